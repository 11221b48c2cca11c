using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class ContinuationTests
{
    [Theory]
    [InlineData(new int[0], 0, 0)]
    [InlineData(new[] { 4 }, 0, 0)]
    [InlineData(new[] { 4, 5 }, 0, 0)]                                  // new to the text
    [InlineData(new[] { 4, 4 }, 0, 1)]
    [InlineData(new[] { 1, 2, 3, 9, 1, 2 }, 1, 2)]
    [InlineData(new[] { 1, 2, 3, 7, 2, 4, 1, 2 }, 1, 2)]                // the longer match, not the later one
    [InlineData(new[] { 1, 2, 3, 1, 2, 4, 1, 2 }, 4, 2)]                // the later of equally long ones
    public void The_longest_match_is_found(int[] text, int end, int length) =>
        Assert.Equal(new TokenMatch(end, length), TokenMatch.Find(text));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(400)]
    public void It_is_what_plain_search_finds(int window)
    {
        var random = new Dolmen.Artifacts.StableRandom(7);
        var spec = new ContinuationSpec("", window, 4, 3, 1);
        int[] text = [.. Enumerable.Range(0, 300).Select(i => i is > 100 and < 200 ? 5 : random.Next(6))];
        var matches = new TokenMatch[text.Length];
        for (var t = 0; t < text.Length; t++)
        {
            matches[t] = TokenMatch.Find(text.AsSpan(0, t + 1));
            var expected = default(TokenMatch);
            for (var s = window == 0 ? t : Math.Max(0, t - window + 1); s <= t; s++)
            {
                var most = window == 0 ? TokenMatch.MostCompared : Math.Min(TokenMatch.MostCompared, window - (t - s));
                for (var end = 0; end < s; end++)
                {
                    var length = 0;
                    while (length < most && length <= end && text[end - length] == text[s - length]) length++;
                    if (length > 0 && length >= expected.Length) expected = new TokenMatch(end, length);
                }
            }
            var found = spec.Match(matches.AsSpan(0, t + 1));
            Assert.Equal(expected.Length, found.Length);
            if (found.Length == 0) continue;
            var at = Enumerable.Range(0, window == 0 ? 1 : Math.Min(window, t + 1)).Select(back => t - back)
                .Where(s => s > found.End && Ends(text, s, found));
            Assert.NotEmpty(at);
        }
    }

    private static bool Ends(int[] text, int at, TokenMatch match) =>
        at + 1 >= match.Length && text.AsSpan(at + 1 - match.Length, match.Length)
            .SequenceEqual(text.AsSpan(match.End + 1 - match.Length, match.Length));

    [Fact]
    public void A_match_is_seen_as_long_as_it_lies_in_the_window()
    {
        int[] text = [1, 2, 3, 4, 9, 1, 2, 3, 7, 8];                    // 1 2 3 came before, and 7 and 8 are new
        TokenMatch[] matches = [.. Enumerable.Range(1, text.Length).Select(count => TokenMatch.Find(text.AsSpan(0, count)))];
        Assert.Equal(new TokenMatch(2, 3), TokenMatch.Longest(matches, 5));
        Assert.Equal(new TokenMatch(2, 2), TokenMatch.Longest(matches, 4));      // 2 3 of it
        Assert.Equal(default, TokenMatch.Longest(matches, 2));
        Assert.Equal([4, 9], new ContinuationSpec("", 5, 4, 2, 1).Followed(text, new TokenMatch(2, 3)).ToArray());
        Assert.Equal([8], new ContinuationSpec("", 5, 4, 2, 1).Followed(text, new TokenMatch(8, 1)).ToArray());
    }

    [Fact]
    public void Gradients_of_gains_and_of_the_embedding_are_those_of_differences()
    {
        using var scope = NewDisposeScope();
        var config = (DolmenConfig)SmallModels.All["dolmen-matches"];
        using var model = new LanguageDecoder(config, Compute.Host());
        model.Parameters.Initialize(3);
        var random = new Dolmen.Artifacts.StableRandom(9);
        string[] weights = [.. config.Plan().Continuations!.Select(continuation => continuation.Weight)];
        Assert.Equal(2, weights.Length);
        foreach (var name in weights)
            foreach (ref var weight in model.Parameters.Weights(name)) weight = (float)random.NextNormal();
        var tokens = tensor([.. Enumerable.Range(0, 24).Select(_ => (long)random.Next(7))], [2, 12]);
        model.Loss(tokens, tokens, 1.0 / 24).backward();
        var gradients = model.ExportedGradients().ToDictionary(entry => entry.Name, entry => entry.Values, StringComparer.Ordinal);
        using var noGradient = no_grad();
        foreach (var name in weights.Append("model.embed_tokens.weight"))
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
