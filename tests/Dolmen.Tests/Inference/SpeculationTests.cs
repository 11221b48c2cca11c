using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Inference.Constraints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference;

/// <summary>Texts written with guesses are the ones written without, whatever the guesses are worth.</summary>
public class SpeculationTests
{
    private static readonly ByteTokenizer Bytes = new();

    private static readonly Speculation Lookup = new(MaxDrafts: 5, MinMatch: 1) { Always = true };

    public static TheoryData<string> Names => DecoderArchitectures.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_architecture_writes_the_same_texts_with_guesses(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        using var other = RandomModel.Build(config, seed: 2);
        var requests = Requests(config.VocabSize, 8);
        var alone = requests.ConvertAll(request => new Generator(model, Bytes).Generate(request.Prompt.Span, request.Options));
        // What repeats is found; the model itself guesses right where it may be asked twice, another model hardly ever.
        foreach (var speculation in (Speculation[])[Lookup, Lookup with { DraftModel = other }])
        {
            foreach (var budget in (long[])[1, 4 * config.StateBytes(200, 4), 1 << 30])
            {
                var options = new SchedulerOptions(budget, 5, 1e-3) { Speculation = speculation };
                var statistics = await SameTexts(model, requests, alone, options);
                if (budget == 1 << 30) Assert.True(statistics.DraftedTokens > 0);
            }
        }
        Assert.Equal((0, 0), (model.StateBytes, other.StateBytes));
    }

    [Theory]
    [InlineData("attention")]
    [InlineData("n-grams")]
    [InlineData("mamba")]
    [InlineData("hybrid")]
    public async Task A_draft_that_is_the_model_itself_is_always_right(string name)
    {
        var config = Models[name];
        using var model = RandomModel.Build(config);
        using var same = RandomModel.Build(config);
        var requests = Requests(config.VocabSize, 8, plain: true);
        var alone = requests.ConvertAll(request => new Generator(model, Bytes).Generate(request.Prompt.Span, request.Options));
        var statistics = await SameTexts(model, requests, alone, new SchedulerOptions(CachePrefixes: false)
        {
            Speculation = Lookup with { DraftModel = same },
        });
        Assert.True(statistics.DraftedTokens > 0);
        Assert.Equal(statistics.DraftedTokens, statistics.AcceptedTokens);
    }

    [Theory]
    [InlineData("attention", true)]
    [InlineData("attention", false)]
    [InlineData("hybrid", false)]
    public async Task Forms_and_the_rule_that_measures_change_no_text(string name, bool always)
    {
        var config = Models[name];
        using var model = RandomModel.Build(config);
        using var draft = RandomModel.Build(Models["mamba"]);
        var requests = Requests(config.VocabSize, 10);
        var form = TextConstraint.JsonSchema(JsonElement.Parse(
            """{"type":"array","items":{"enum":["red","green",12]},"minItems":3,"maxItems":8}"""), Bytes);
        for (var i = 0; i < requests.Count; i += 2)
            requests[i] = requests[i] with { Options = requests[i].Options with { Constraint = form, MaxTokens = 80 } };
        var alone = requests.ConvertAll(request => new Generator(model, Bytes).Generate(request.Prompt.Span, request.Options));
        foreach (var source in (LanguageModel?[])[null, draft])
        {
            var statistics = await SameTexts(model, requests, alone, new SchedulerOptions(PassSeconds: 1e-3)
            {
                Speculation = Lookup with { DraftModel = source, Always = always },
            });
            if (always) Assert.InRange(statistics.AcceptedTokens, 1, statistics.DraftedTokens - 1);
        }
    }

    [Fact]
    public void A_repeated_text_is_guessed_and_takes_fewer_passes()
    {
        using var model = FakeModel.OfAlphabet(600);
        var passes = 0;
        model.BeforeStep = () => passes++;
        var options = new GenerationOptions(SamplingOptions.Greedy, 20);
        var prompt = Bytes.Encode("bcdefghijklmnopqrstuvwxyz! a");
        var plain = new Generator(model, Bytes).Generate(prompt, options);
        var without = passes;
        passes = 0;
        var guessed = new Generator(model, Bytes, Lookup with { MinMatch = 2 }).Generate(prompt, options);
        Assert.Equal(plain.Tokens, guessed.Tokens);
        Assert.Equal(plain.Statistics.DecodeTokens, guessed.Statistics.DecodeTokens);
        Assert.InRange(guessed.Statistics.AcceptedTokens, 12, guessed.Statistics.DraftedTokens);
        // A fake model counts a pass of one token alone.
        Assert.True(passes <= without - guessed.Statistics.AcceptedTokens, $"{passes} and {without}");
    }

    /// <summary>Guesses reach further into a form than the text itself, and a draft model may fail: neither ends the scheduler.</summary>
    [Fact]
    public async Task What_guessing_runs_into_is_no_other_texts_business()
    {
        using var model = RandomModel.Build(Models["attention"]);
        var plain = Requests(263, 1, plain: true)[0];
        var alone = new Generator(model, Bytes).Generate(plain.Prompt.Span, plain.Options);
        var rules = string.Concat(Enumerable.Range(0, 150).Select(i => $"r{i} ::= r{i + 1} \"z\"\n"));
        // No text of 100 tokens is whole under these rules, so that their end is not minded.
        var deep = new GenerationOptions(SamplingOptions.Greedy with { Bias = new Dictionary<int, double> { ['['] = 90 } }, 100)
        {
            Constraint = TextConstraint.Grammar($"root ::= \"[\" r0 \"z\"\n{rules}r150 ::= root \"z\" | \"x\"\n", Bytes),
        };
        using (var scheduler = new Scheduler(model, Bytes, new SchedulerOptions { Speculation = Lookup with { MaxDrafts = 15 } }))
        {
            scheduler.Start();
            var failing = scheduler.Submit(new GenerationRequest(plain.Prompt, deep));
            var error = await Assert.ThrowsAsync<UserErrorException>(() => failing.Result);
            Assert.Contains("nested more than", error.Message, StringComparison.Ordinal);
            Assert.Equal(alone.Tokens, (await scheduler.Submit(plain).Result).Tokens);
        }
        using var draft = FakeModel.OfAlphabet(700);
        draft.BeforeStep = () => throw new InvalidOperationException("The draft model fails.");
        using var drafted = new Scheduler(model, Bytes, new SchedulerOptions { Speculation = Lookup with { DraftModel = draft } });
        drafted.Start();
        Assert.Equal(alone.Tokens, (await drafted.Submit(plain).Result).Tokens);
    }

    [Fact]
    public void What_followed_the_longest_and_latest_repetition_is_the_guess()
    {
        Assert.Equal([7, 8, 9], Guess([1, 2, 7, 8, 9, 3, 1, 2], most: 3));
        Assert.Equal([5, 1, 2], Guess([1, 2, 7, 3, 1, 2, 5, 1, 2], most: 3));
        Assert.Equal([7, 6], Guess([4, 1, 2, 7, 6, 9, 1, 2, 8, 4, 1, 2], most: 2));
        // A text that repeats itself is guessed past its end.
        Assert.Equal([1, 2, 1, 2, 1], Guess([1, 2, 1, 2], most: 5));
        Assert.Empty(Guess([1, 2, 3, 4], most: 5));
        Assert.Empty(Guess([2, 1, 2], most: 5));
        Assert.Equal([1, 2], Guess([2, 1, 2], most: 2, minMatch: 1));

        var random = new StableRandom(4);
        var lookup = new PromptLookup(2);
        var text = new List<int>();
        for (var n = 0; n < 3000; n++)
        {
            text.Add(random.Next(3) == 0 ? random.Next(40) : text.Count == 0 ? 1 : text[random.Next(Math.Min(text.Count, 6))]);
            var drafts = new List<Draft>();
            lookup.Guess(text.ToArray(), 4, drafts);
            if (drafts.Count == 0) continue;
            // Whatever is guessed did follow two such tokens.
            Assert.Contains(Enumerable.Range(2, text.Count - 2), at =>
                text[at] == drafts[0].Token && text[at - 1] == text[^1] && text[at - 2] == text[^2]);
        }
    }

    [Fact]
    public void A_draft_model_must_have_the_same_vocabulary()
    {
        using var model = FakeModel.OfAlphabet();
        DraftVocabulary.Check(Bytes, model, Bytes);
        var size = Assert.Throws<UserErrorException>(() => DraftVocabulary.Check(Bytes, model, new PieceTokenizer("ab")));
        Assert.Contains("The draft model has 264 tokens, the model 263", size.Message, StringComparison.Ordinal);
        var pieces = new PieceTokenizer("ab");
        using var larger = FakeModel.OfHistory(300, 64);
        var token = Assert.Throws<UserErrorException>(() => DraftVocabulary.Check(pieces, larger, new PieceTokenizer("ac")));
        Assert.Contains("Token 263 is 'ab' for the model and 'ac'", token.Message, StringComparison.Ordinal);
        using var smaller = FakeModel.OfHistory(200, 64);
        Assert.Throws<UserErrorException>(() => DraftVocabulary.Check(Bytes, smaller, Bytes));
    }

    [Fact]
    public void Numbers_out_of_range_are_refused()
    {
        using var model = FakeModel.OfAlphabet();
        foreach (var wrong in (Speculation[])[new(0), new(16), new(5, 0), new(5, 17)])
            Assert.Throws<UserErrorException>(() => new Scheduler(model, Bytes, new SchedulerOptions { Speculation = wrong }));
    }

    private static Dictionary<string, DecoderConfig> Models { get; } = new()
    {
        ["attention"] = new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 700),
        ["n-grams"] = new DolmenConfig(263, 36, 2, 3, 1, 12, 50, 700, BigramRows: 97, TrigramRows: 61),
        ["mamba"] = MambaConfig.Of(263, 32, 2, 700),
        ["hybrid"] = new HybridConfig(263, 32, "2*M Af", 700, 2, 1, 16, 40, 32, 8),
    };

    private static int[] Guess(int[] text, int most, int minMatch = 2)
    {
        var drafts = new List<Draft>();
        new PromptLookup(minMatch).Guess(text, most, drafts);
        return [.. drafts.Select(draft => draft.Token)];
    }

    private static async Task<SchedulerStatistics> SameTexts(
        LanguageModel model, List<GenerationRequest> requests, List<GenerationResult> alone, SchedulerOptions options)
    {
        using var scheduler = new Scheduler(model, Bytes, options);
        var random = new StableRandom((ulong)requests.Count);
        var running = new List<Generation>();
        while (running.Count < requests.Count || scheduler.Statistics is not { Running: 0, Waiting: 0 })
        {
            if (running.Count < requests.Count && random.Next(3) == 0) running.Add(scheduler.Submit(requests[running.Count]));
            scheduler.Step();
        }
        foreach (var (i, generation) in running.Index())
        {
            var (expected, result) = (alone[i], await generation.Result);
            Assert.Equal(expected.Tokens, result.Tokens);
            Assert.Equal((expected.Text, expected.FinishReason, expected.StopToken), (result.Text, result.FinishReason, result.StopToken));
            Assert.Equal(
                expected.Logprobs.Select(token => (token.Token, token.Logprob)),
                result.Logprobs.Select(token => (token.Token, token.Logprob)));
            Assert.Equal(expected.PromptLogprobs.Select(token => token.Logprob), result.PromptLogprobs.Select(token => token.Logprob));
            Assert.True(result.Statistics.AcceptedTokens <= result.Statistics.DraftedTokens);
            Assert.Equal(expected.Statistics.DecodeTokens, result.Statistics.DecodeTokens);
            var text = "";
            while (generation.TryRead(out var piece)) text += piece.Text;
            Assert.Equal(expected.Text, text);
        }
        return scheduler.Statistics;
    }

    private static List<GenerationRequest> Requests(int vocabSize, int count, bool plain = false)
    {
        var random = new StableRandom(5);
        var known = Math.Min(vocabSize, 256);
        int[] shared = RandomModel.Tokens(30, known, 9);
        var requests = new List<GenerationRequest>();
        for (var i = 0; i < count; i++)
        {
            int[] own = RandomModel.Tokens(1 + random.Next(30), known, (ulong)(100 + i));
            var sampling = new SamplingOptions(random.Next(2) == 0 ? 0 : 1, TopK: random.Next(2) * 5, Seed: (ulong)i)
            {
                RepetitionPenalty = plain || random.Next(2) == 0 ? 1 : 1.2,
                FrequencyPenalty = plain || random.Next(3) > 0 ? 0 : 0.3,
                Dry = plain || random.Next(3) > 0 ? null : new DryOptions(0.8),
            };
            requests.Add(new GenerationRequest((int[])[.. shared, .. own, .. own], new GenerationOptions(sampling, 1 + random.Next(50))
            {
                Stop = plain || random.Next(3) > 0 ? null : ["e", "!!"],
                Logprobs = random.Next(3) == 0 ? 2 : null,
                ScorePrompt = i % 5 == 0,
                MinTokens = random.Next(2),
                IgnoreEnds = random.Next(2) == 0,
            }));
        }
        return requests;
    }
}
