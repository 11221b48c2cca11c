using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Embeddings;
using EmbeddingGenerationOptions = OpenAI.Embeddings.EmbeddingGenerationOptions;

namespace Dolmen.Tests.Serving;

/// <summary>/v1/embeddings and the same in the process. The hidden state of the fake model after a token is (token, position, 1).</summary>
public class EmbeddingTests
{
    [Theory]
    [InlineData("""{"input":"ac"}""", (256 + 97 + 99) / 3.0, 1, 1)]
    [InlineData("""{"input":"ac","pooling":"mean","add_special_tokens":false}""", 98, 0.5, 1)]
    [InlineData("""{"input":"ac","pooling":"last"}""", 99, 2, 1)]
    [InlineData("""{"input":[97,99],"pooling":"last","encoding_format":"float"}""", 99, 1, 1)]
    public async Task A_vector_has_length_1(string request, double x, double y, double z)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post("/v1/embeddings", request);
        Assert.Equal(HttpStatusCode.OK, status);
        var answer = JsonElement.Parse(body);
        Assert.Equal(("list", "fake"), (answer.GetProperty("object").GetString(), answer.GetProperty("model").GetString()));
        var entry = Assert.Single(answer.GetProperty("data").EnumerateArray());
        Near([x, y, z], [.. entry.GetProperty("embedding").EnumerateArray().Select(number => number.GetSingle())]);
    }

    [Theory]
    [InlineData("""{"input":["ac","b"]}""", 5)]
    [InlineData("""{"input":[[97,99],[98]]}""", 3)]
    public async Task Texts_are_answered_in_their_order_with_their_usage(string request, int tokens)
    {
        await using var server = await RunningServer.Start();
        var answer = JsonElement.Parse((await server.Post("/v1/embeddings", request)).Body);
        Assert.Equal([0, 1], answer.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("index").GetInt32()));
        var first = answer.GetProperty("data")[0].GetProperty("embedding")[0].GetDouble();
        Assert.NotEqual(first, answer.GetProperty("data")[1].GetProperty("embedding")[0].GetDouble());
        var usage = answer.GetProperty("usage");
        Assert.Equal((tokens, tokens), (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()));
    }

    [Fact]
    public async Task Base64_is_the_same_numbers_and_fewer_dimensions_are_normalised_again()
    {
        await using var server = await RunningServer.Start();
        const string request = """{"input":"ac","pooling":"last","dimensions":2""";
        var numbers = JsonElement.Parse((await server.Post("/v1/embeddings", request + "}")).Body).GetProperty("data")[0]
            .GetProperty("embedding").EnumerateArray().Select(number => number.GetSingle()).ToArray();
        Near([99, 2], numbers);
        var bytes = JsonElement.Parse((await server.Post("/v1/embeddings", request + ",\"encoding_format\":\"base64\"}")).Body)
            .GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64();
        Assert.Equal(numbers, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
    }

    [Theory]
    [InlineData("{}", "'input' is missing")]
    [InlineData("""{"input":[]}""", "'input' is an empty array")]
    [InlineData("""{"input":[["a"]]}""", "token ids from 0 to 262")]
    [InlineData("""{"input":"a","dimensions":4}""", "'dimensions' must be an integer from 1 to 3")]
    [InlineData("""{"input":"a","encoding_format":"int8"}""", "'encoding_format' must be float or base64, not")]
    [InlineData("""{"input":"a","pooling":"max"}""", "'pooling' must be mean or last, not")]
    [InlineData("""{"input":"a","temperature":1}""", "'temperature' is not a field")]
    [InlineData("""{"input":"a","truncate_prompt_tokens":5}""", "'truncate_prompt_tokens' is not supported")]
    [InlineData("""{"input":"","add_special_tokens":false}""", "'input' has no token")]
    [InlineData("""{"input":["a","XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"]}""", "input 1 holds 65")]
    public async Task What_is_wrong_is_said(string request, string message)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post("/v1/embeddings", request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(message, JsonElement.Parse(body).GetProperty("error").GetProperty("message").GetString()!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAIs_client_gets_them()
    {
        await using var server = await RunningServer.Start();
        var client = new EmbeddingClient("fake", new System.ClientModel.ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1") });
        OpenAIEmbeddingCollection both = await client.GenerateEmbeddingsAsync(
            ["ac", "b"], cancellationToken: TestContext.Current.CancellationToken);
        Near([(256 + 97 + 99) / 3.0, 1, 1], both[0].ToFloats().ToArray());
        Near([(256 + 98) / 2.0, 0.5, 1], both[1].ToFloats().ToArray());
        Assert.Equal(5, both.Usage.InputTokenCount);
        OpenAIEmbedding one = await client.GenerateEmbeddingAsync(
            "ac", new EmbeddingGenerationOptions { Dimensions = 2 }, TestContext.Current.CancellationToken);
        Near([(256 + 97 + 99) / 3.0, 1], one.ToFloats().ToArray());
    }

    [Fact]
    public async Task In_the_process_they_are_the_same()
    {
        using var chat = new DolmenChatClient(new ServedModel("fake", FakeModel.OfAlphabet(), new ByteTokenizer()));
        using var generator = chat.Embeddings;
        var talk = chat.GetResponseAsync("hi", cancellationToken: TestContext.Current.CancellationToken);
        var all = await generator.GenerateAsync(["ac", "b"], cancellationToken: TestContext.Current.CancellationToken);
        Near([(256 + 97 + 99) / 3.0, 1, 1], all[0].Vector.ToArray());
        Near([(256 + 98) / 2.0, 0.5, 1], all[1].Vector.ToArray());
        Assert.Equal(5, all.Usage!.InputTokenCount);
        Assert.Equal("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (await talk).Text);
        var options = new Microsoft.Extensions.AI.EmbeddingGenerationOptions
        {
            Dimensions = 2, AdditionalProperties = new() { ["pooling"] = "last" },
        };
        Near([99, 2], (await generator.GenerateVectorAsync("ac", options, TestContext.Current.CancellationToken)).ToArray());
        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            generator.GenerateAsync([new string('x', 65)], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("input 0 holds 66", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions);
    }

    private static void Near(double[] direction, float[] vector)
    {
        var length = Math.Sqrt(direction.Sum(value => value * value));
        Assert.Equal(direction.Length, vector.Length);
        for (var i = 0; i < vector.Length; i++) Assert.Equal(direction[i] / length, vector[i], 1e-6);
    }
}
