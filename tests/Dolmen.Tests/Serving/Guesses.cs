using System.Net;
using System.Text.Json;
using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>What the server says of guessed tokens, and how it chooses among answers.</summary>
public class Guesses
{
    [Fact]
    public async Task Usage_and_metrics_count_right_and_wrong_guesses_and_the_text_stays_the_same()
    {
        const string request = """{"prompt":"abcdefghijk! a","max_tokens":14,"temperature":0}""";
        await using var plain = await RunningServer.Start();
        var (_, expected) = await plain.Post("/v1/completions", request);
        var served = new ServedModel("fake", FakeModel.OfAlphabet(), new ByteTokenizer())
        {
            Speculation = new Speculation(MaxDrafts: 5) { Always = true },
        };
        await using var server = await RunningServer.Start([ModelSource.Of(served)]);
        var (_, body) = await server.Post("/v1/completions", request);
        Assert.Equal(Text(expected, 0), Text(body, 0));
        Assert.False(Usage(expected).TryGetProperty("completion_tokens_details", out _));
        var details = Usage(body).GetProperty("completion_tokens_details");
        var (right, wrong) = (details.GetProperty("accepted_prediction_tokens").GetInt32(),
            details.GetProperty("rejected_prediction_tokens").GetInt32());
        // After "b" comes what stood in the prompt, up to "k"; after that "!" is guessed.
        Assert.InRange(right, 6, 11);
        Assert.InRange(wrong, 1, 5);
        var metrics = await server.Http.GetStringAsync(
            new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        const string counter = "vllm:spec_decode_num_", model = "_tokens_total{model_name=\"fake\"} ";
        Assert.Contains($"{counter}draft{model}{right + wrong}\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"{counter}accepted{model}{right}\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_best_of_several_answers_are_the_likeliest_per_token()
    {
        await using var server = await RunningServer.Start(FakeModel.OfHistory(263, 64));
        const string head = "{\"prompt\":[\"ab\",\"c\"],\"max_tokens\":6,\"min_tokens\":2,\"temperature\":1,\"seed\":5,";
        var (_, all) = await server.Post("/v1/completions", head + "\"n\":6,\"logprobs\":0}");
        var (status, best) = await server.Post("/v1/completions", head + "\"n\":2,\"best_of\":6}");
        Assert.Equal(HttpStatusCode.OK, status);
        var choices = JsonDocument.Parse(all).RootElement.GetProperty("choices").EnumerateArray().ToList();
        for (var prompt = 0; prompt < 2; prompt++)
        {
            var likeliest = choices.Skip(6 * prompt).Take(6).OrderByDescending(choice => choice.GetProperty("logprobs")
                .GetProperty("token_logprobs").EnumerateArray().Average(logprob => logprob.GetDouble())).Take(2);
            Assert.Equal(
                likeliest.Select(choice => choice.GetProperty("text").GetString()),
                [Text(best, 2 * prompt), Text(best, 2 * prompt + 1)]);
        }
        Assert.Equal(JsonValueKind.Null, Choice(best, 0).GetProperty("logprobs").ValueKind);
        Assert.Equal(Usage(all).GetRawText(), Usage(best).GetRawText());               // whatever was written counts
        var (_, one) = await server.Post("/v1/completions", """{"prompt":"ab","max_tokens":3,"best_of":1,"stream":true}""");
        Assert.EndsWith("data: [DONE]\n\n", one, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"prompt":"a","n":3,"best_of":2}""", "'best_of' is 2 and 'n' is 3")]
    [InlineData("""{"prompt":"a","best_of":2,"stream":true}""", "'best_of' cannot be streamed")]
    [InlineData("""{"prompt":"a","best_of":129}""", "best_of")]
    [InlineData("""{"prompt":"a","best_of":0}""", "best_of")]
    public async Task A_wrong_best_of_is_refused(string request, string says)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post("/v1/completions", request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal("best_of", error.GetProperty("param").GetString());
        Assert.Contains(says, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static JsonElement Choice(string body, int index) => JsonDocument.Parse(body).RootElement.GetProperty("choices")[index];

    private static string? Text(string body, int choice) => Choice(body, choice).GetProperty("text").GetString();

    private static JsonElement Usage(string body) => JsonDocument.Parse(body).RootElement.GetProperty("usage");
}
