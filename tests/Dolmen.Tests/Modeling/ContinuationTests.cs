using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class ContinuationTests
{
    private const string Gains = "model.continuation_gains.weight";

    [Theory]
    [InlineData(new int[0], 0, 0)]
    [InlineData(new[] { 4 }, 0, 0)]
    [InlineData(new[] { 4, 5 }, 0, 0)]                                  // new to the text
    [InlineData(new[] { 4, 4 }, 4, 1)]
    [InlineData(new[] { 1, 2, 3, 9, 1, 2 }, 3, 2)]
    [InlineData(new[] { 1, 2, 3, 7, 2, 4, 1, 2 }, 3, 2)]                // the longer match, not the later one
    [InlineData(new[] { 1, 2, 3, 1, 2, 4, 1, 2 }, 4, 2)]                // the later of equally long ones
    [InlineData(new[] { 5, 1, 2, 3, 6, 1, 2, 3, 7, 5, 1, 2, 3 }, 7, 3)] // four tokens match once, but three are as good: the later
    public void What_followed_the_longest_match_is_found(int[] text, int token, int length)
    {
        var spec = new ContinuationSpec("", 3, 1);
        Assert.Equal((token, length), spec.Find(text));
    }

    [Fact]
    public void It_is_what_plain_search_finds()
    {
        var random = new Dolmen.Artifacts.StableRandom(7);
        var spec = new ContinuationSpec("", 4, 1);
        int[] text = [.. Enumerable.Range(0, 300).Select(_ => random.Next(6))];
        for (var t = 0; t < text.Length; t++)
        {
            var (token, longest) = (0, 0);
            for (var end = 0; end < t; end++)
            {
                var length = 0;
                while (length < 4 && length <= end && text[end - length] == text[t - length]) length++;
                if (length > 0 && length >= longest) (token, longest) = (text[end + 1], length);
            }
            Assert.Equal((token, longest), spec.Find(text.AsSpan(0, t + 1)));
        }
    }

    [Fact]
    public void Gradients_of_gains_and_of_the_embedding_are_those_of_differences()
    {
        using var scope = NewDisposeScope();
        var config = (DolmenConfig)SmallModels.All["dolmen-matches"];
        using var model = new LanguageDecoder(config, Compute.Host());
        model.Parameters.Initialize(3);
        var random = new Dolmen.Artifacts.StableRandom(9);
        foreach (ref var weight in model.Parameters.Weights(Gains)) weight = (float)random.NextNormal();
        var tokens = tensor([.. Enumerable.Range(0, 24).Select(_ => (long)random.Next(7))], [2, 12]);
        model.Loss(tokens, tokens, 1.0 / 24).backward();
        var gradients = model.ExportedGradients().ToDictionary(entry => entry.Name, entry => entry.Values, StringComparer.Ordinal);
        using var noGradient = no_grad();
        foreach (var name in new[] { Gains, "model.embed_tokens.weight" })
        {
            var gradient = gradients[name];
            var scale = gradient.Max(Math.Abs);
            Assert.True(scale > 0);
            for (var i = 0; i < gradient.Length; i += 17)
            {
                const float Step = 0.01f;
                var weight = model.Parameters.Weights(name)[i];
                model.Parameters.Weights(name)[i] = weight + Step;
                var above = model.Loss(tokens, tokens, 1.0 / 24).item<float>();
                model.Parameters.Weights(name)[i] = weight - Step;
                var below = model.Loss(tokens, tokens, 1.0 / 24).item<float>();
                model.Parameters.Weights(name)[i] = weight;
                Assert.Equal((above - below) / (2 * Step), gradient[i], 0.03f * scale);
            }
        }
    }
}
