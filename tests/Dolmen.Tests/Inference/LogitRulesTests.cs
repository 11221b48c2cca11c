using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference;

public class LogitRulesTests
{
    private static readonly Fakes.ByteTokenizer Bytes = new();

    /// <summary>Written out token by token as vLLM's documentation has it.</summary>
    [Fact]
    public void Penalties_and_bias_are_those_of_their_definitions() =>
        Gen.Select(
                Gen.Float[-5, 5].Array[8],
                Gen.Int[0, 7].Array[0, 6],
                Gen.Int[0, 7].Array[0, 6],
                Gen.Double[0.5, 2],
                Gen.Double[-2, 2],
                Gen.Double[-2, 2]
            )
            .Sample(
                (logits, prompt, answer, repetition, presence, frequency) =>
                {
                    var options = new SamplingOptions
                    {
                        RepetitionPenalty = repetition,
                        PresencePenalty = presence,
                        FrequencyPenalty = frequency,
                        Bias = new Dictionary<int, double> { [2] = 1.5, [3] = -100 },
                        Suppressed = [6],
                    };
                    var rules = new LogitRules(options, prompt, ends: [7]);
                    foreach (var token in answer)
                        rules.Count(token);
                    var got = rules.Apply(logits, mayEnd: false).ToArray();
                    for (var token = 0; token < logits.Length; token++)
                    {
                        var expected = (double)logits[token];
                        if (token == 2)
                            expected += 1.5;
                        if (token is 3 or 6 or 7)
                            expected = double.NegativeInfinity;
                        if (prompt.Contains(token) || answer.Contains(token))
                            expected = expected > 0 ? expected / repetition : expected * repetition;
                        var count = answer.Count(one => one == token);
                        expected -= frequency * count + (count > 0 ? presence : 0);
                        Assert.Equal(expected, got[token], 1e-4);
                    }
                },
                iter: 200
            );

    /// <summary>Every earlier piece compared with the end of the text, token by token.</summary>
    [Fact]
    public void Dry_penalises_what_would_repeat_a_piece() =>
        Gen.Select(Gen.Int[0, 4].Array[0, 40], Gen.Int[0, 4].Array[0, 40], Gen.Int[1, 4], Gen.Int[-1, 30], Gen.Int[0, 9]).Sample(
            (prompt, answer, allowed, window, breaker) =>
            {
                var dry = new DryOptions(0.8, 1.75, allowed, window) { Breakers = new HashSet<int> { breaker } };
                var rules = new LogitRules(new SamplingOptions { Dry = dry }, prompt, ends: []);
                foreach (var token in answer) rules.Count(token);
                int[] all = [.. prompt, .. answer];
                var text = window < 0 ? all : all[Math.Max(0, all.Length - window)..];
                var expected = new double[5];
                for (var next = 0; next < 5; next++)
                {
                    var longest = 0;
                    for (var at = 1; at < text.Length; at++)
                    {
                        if (text[at] != next) continue;
                        var length = 0;
                        while (length < at && text[at - 1 - length] == text[text.Length - 1 - length]
                            && text[text.Length - 1 - length] != breaker)
                        {
                            length++;
                        }
                        longest = Math.Max(longest, length);
                    }
                    if (longest >= allowed) expected[next] = -0.8 * Math.Pow(1.75, longest - allowed);
                }
                var got = rules.Apply(new float[5], mayEnd: true).ToArray();
                for (var token = 0; token < 5; token++) Assert.Equal(expected[token], got[token],
                    Math.Max(1e-4, Math.Abs(expected[token]) * 1e-5));
            }, iter: 1_000);

    [Fact]
    public void Texts_that_end_a_repetition_are_found_in_tokens()
    {
        var pieces = new PieceTokenizer("a\n", "b", ": ");
        var breakers = DryOptions.BreakersOf(pieces, DryOptions.DefaultBreakers);
        Assert.Equal(['\n', '"', '*', ':', pieces.VocabSize - 3, pieces.VocabSize - 1], breakers.Order());
    }

    [Fact]
    public void Nothing_asked_for_changes_nothing()
    {
        float[] logits = [1, 2, 3];
        Assert.Equal(logits, new LogitRules(new SamplingOptions(), [0, 1], [2]).Apply(logits, mayEnd: true).ToArray());
    }

    [Fact]
    public void An_end_does_not_come_before_the_least_number_of_tokens()
    {
        using var model = FakeModel.OfAlphabet();
        GenerationResult Of(GenerationOptions options) => new Generator(model, Bytes).Generate([(int)'x'], options);
        var greedy = new GenerationOptions(SamplingOptions.Greedy, 12);
        Assert.Equal(("yz", FinishReason.Stop, Bytes.Special.Eos), (Of(greedy).Text, Of(greedy).FinishReason, Of(greedy).StopToken));
        Assert.Equal(6, Of(greedy with { MinTokens = 6, Stop = ["z"] }).Tokens.Length switch { >= 6 => 6, var fewer => fewer });
        Assert.StartsWith("yz", Of(greedy with { MinTokens = 6, Stop = ["z"] }).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Ends_are_ignored_when_asked_and_stop_tokens_are_not()
    {
        using var model = FakeModel.OfAlphabet();
        GenerationResult Of(GenerationOptions options) => new Generator(model, Bytes).Generate([(int)'x'], options);
        var on = new GenerationOptions(SamplingOptions.Greedy, 5) { IgnoreEnds = true };
        Assert.Equal((5, FinishReason.Length, "yz"), (Of(on).Tokens.Length, Of(on).FinishReason, Of(on).Text[..2]));
        Assert.Contains(Bytes.Special.Eos, Of(on).Tokens);
        Assert.Contains("<|endoftext|>", Of(on with { ShowSpecial = true }).Text, StringComparison.Ordinal);
        Assert.Equal("y", Of(on with { StopTokens = ['z'] }).Text);
        Assert.Equal("yz", Of(on with { StopTokens = ['z'], ShowStop = true }).Text);
        Assert.Equal("yz", Of(on with { Stop = ["z"], ShowStop = true }).Text);
    }

    [Theory]
    [InlineData(0, "repetition-penalty is 0")]
    [InlineData(double.NaN, "repetition-penalty is NaN")]
    [InlineData(-1.5, "repetition-penalty is -1.5")]
    public void A_penalty_out_of_its_range_is_refused(double penalty, string says) =>
        Assert.Contains(
            says,
            Assert.Throws<UserErrorException>(() => new Sampler(new SamplingOptions { RepetitionPenalty = penalty })).Message
        );

    [Fact]
    public void Log_probabilities_are_the_model_s_own_whatever_the_sampling()
    {
        using var model = FakeModel.OfHistory(Bytes.VocabSize, 64);
        var options = new GenerationOptions(new SamplingOptions(0.3, TopK: 5, Seed: 9) { RepetitionPenalty = 1.5 }, 6)
        {
            Logprobs = 3,
            ScorePrompt = true,
        };
        var result = new Generator(model, Bytes).Generate(Bytes.Encode("hello"), options);
        int[] all = [.. Bytes.Encode("hello"), .. result.Tokens];
        TokenLogprob[] reported = [.. result.PromptLogprobs, .. result.Logprobs];
        Assert.Null(reported[0].Logprob);
        for (var i = 1; i < all.Length; i++)
        {
            Assert.Equal(all[i], reported[i].Token);
            Assert.Equal(model.LogProb(all, i), reported[i].Logprob!.Value, 1e-5);
            var likeliest = Enumerable.Range(0, Bytes.VocabSize).Select(token => (token, model.LogProb([.. all[..i], token], i)))
                .OrderByDescending(one => one.Item2).Take(3).Select(one => one.token);
            Assert.Equal(likeliest, reported[i].Top.Select(one => one.Token));
        }
    }
}
