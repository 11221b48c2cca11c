using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Evaluation;
using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tests.Inference;
using ByteTokenizer = Dolmen.Tests.Fakes.ByteTokenizer;

namespace Dolmen.Tests.Serving;

/// <summary>Multiple choice over HTTP, with the requests that lm-eval 0.4's local-completions sends and read as it reads the answers,
/// against the scorer in the process.</summary>
public class LmEvalScores
{
    private const int Items = 20, Choices = 4, BatchSize = 7;

    [Theory]
    [InlineData("attention")]
    [InlineData("mamba")]
    [InlineData("hybrid")]
    public async Task Log_likelihoods_of_every_item_are_those_of_the_scorer(string name)
    {
        DecoderConfig config = name switch
        {
            "attention" => new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 256),
            "mamba" => MambaConfig.Of(263, 32, 2, 256),
            _ => new HybridConfig(263, 32, "2*M Af", 256, 2, 1, 16, 40, 32, 8),
        };
        using var model = RandomModel.Build(config);
        await using var server = await RunningServer.Start([ModelSource.Of(new ServedModel("tiny", model, new ByteTokenizer()))]);
        var requests = Requests();
        var scores = new List<(double Sum, bool Greedy)>();
        foreach (var batch in requests.Chunk(BatchSize)) scores.AddRange(await Scored(server, batch));

        var right = 0;
        using var alone = RandomModel.Build(config);
        using var scorer = new ContinuationScorer(alone);
        for (var item = 0; item < Items; item++)
        {
            var expected = scorer.Score(
                [.. requests.Skip(item * Choices).Take(Choices).Select(one => (one.Tokens, From: one.Context))]);
            for (var choice = 0; choice < Choices; choice++)
            {
                Assert.Equal(expected[choice], scores[item * Choices + choice].Sum, 1e-9);
            }
            right += Best(expected) == Best([.. scores.Skip(item * Choices).Take(Choices).Select(score => score.Sum)]) ? 1 : 0;
        }
        Assert.Equal(Items, right);
        // Of the ends of random texts none is likely to be the likeliest; one that the model wrote is.
        var written = new Generator(alone, new ByteTokenizer()).Generate(
            requests[0].Tokens.AsSpan(0, requests[0].Context),
            new GenerationOptions(SamplingOptions.Greedy, 6) { IgnoreEnds = true }).Tokens;
        int[] greedy = [.. requests[0].Tokens[..requests[0].Context], .. written];
        var both = await Scored(server, [(greedy, requests[0].Context), requests[0]]);
        Assert.Equal([true, false], both.Select(score => score.Greedy));
    }

    /// <summary>Shots of different lengths, then a question with four answers of several tokens.</summary>
    private static List<(int[] Tokens, int Context)> Requests()
    {
        var random = new StableRandom(7);
        var requests = new List<(int[], int)>();
        for (var item = 0; item < Items; item++)
        {
            var context = RandomModel.Tokens(5 + random.Next(120), 256, (ulong)item);
            for (var choice = 0; choice < Choices; choice++)
                requests.Add(([.. context, .. RandomModel.Tokens(1 + random.Next(9), 256, (ulong)(1000 + item * Choices + choice))],
                    context.Length));
        }
        return requests;
    }

    private static async Task<List<(double Sum, bool Greedy)>> Scored(RunningServer server, (int[] Tokens, int Context)[] batch)
    {
        var prompts = JsonSerializer.Serialize(batch.Select(one => one.Tokens));
        var (_, body) = await server.Post("/v1/completions",
            $"{{\"model\":\"tiny\",\"prompt\":{prompts},\"temperature\":0,\"max_tokens\":1,\"logprobs\":1,\"seed\":1234,\"echo\":true}}");
        var choices = JsonElement.Parse(body).GetProperty("choices").EnumerateArray()
            .OrderBy(choice => choice.GetProperty("index").GetInt32()).ToList();
        Assert.Equal(batch.Length, choices.Count);
        var scores = new List<(double, bool)>();
        foreach (var (choice, (tokens, context)) in choices.Zip(batch))
        {
            var all = choice.GetProperty("logprobs").GetProperty("token_logprobs");
            Assert.Equal(tokens.Length + 1, all.GetArrayLength());
            Assert.Equal(JsonValueKind.Null, all[0].ValueKind);
            var own = all.EnumerateArray().Skip(context).SkipLast(1).Select(value => value.GetDouble()).ToList();
            var top = choice.GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray().Skip(context).SkipLast(1)
                .Select(likeliest => likeliest.EnumerateObject().Max(token => token.Value.GetDouble()));
            scores.Add((own.Sum(), own.Zip(top).All(pair => pair.First == pair.Second)));
        }
        return scores;
    }

    private static int Best(IReadOnlyList<double> scores) => scores.Index().MaxBy(score => score.Item).Index;
}
