using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference;

public class SchedulerTests
{
    private static readonly ByteTokenizer Bytes = new();

    private static readonly Dictionary<string, DecoderConfig> Models = new()
    {
        ["attention"] = new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 700),
        ["window"] = new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 700, Window: 70),
        ["scaled by length"] = new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 700, RopeScaling: new DynamicScaling(4, 32)),
        ["n-grams"] = new DolmenConfig(263, 36, 2, 3, 1, 12, 50, 700, BigramRows: 97, TrigramRows: 61),
        ["mamba"] = MambaConfig.Of(263, 32, 2, 700),
        ["hybrid"] = new HybridConfig(263, 32, "2*M Af", 700, 2, 1, 16, 40, 32, 8),
    };

    public static TheoryData<string> Names => [.. Models.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_text_of_a_random_mix_is_the_one_computed_alone_whatever_the_budget(string name)
    {
        using var model = RandomModel.Build(Models[name]);
        var requests = Requests(40);
        var alone = requests.ConvertAll(request => new Generator(model, Bytes).Generate(request.Prompt.Span, request.Options));
        // One text is always let through; then a few; then all.
        foreach (var budget in (long[])[1, 3 * Models[name].StateBytes(200, 4), 1 << 30])
        {
            var random = new StableRandom((ulong)budget);
            using var scheduler = new Scheduler(
                model, Bytes, new SchedulerOptions(budget, MaxSequences: 1 + random.Next(12), PassSeconds: 1e-3));
            var running = new List<(GenerationRequest Request, Generation Generation, CancellationTokenSource? Stop)>();
            for (var next = 0; next < requests.Count || scheduler.Statistics is not { Running: 0, Waiting: 0 };)
            {
                if (next < requests.Count && random.Next(2) == 0)
                {
                    // Every fourth is cancelled some time or other.
                    var stop = next % 4 == 3 ? new CancellationTokenSource() : null;
                    running.Add((requests[next], scheduler.Submit(requests[next], stop?.Token ?? default), stop));
                    next++;
                }
                if (random.Next(8) == 0 && running.Count > 0) running[random.Next(running.Count)].Stop?.Cancel();
                scheduler.Step();
                if (budget == 1 << 30) Assert.True(scheduler.Statistics.StateBytes <= budget);
            }
            foreach (var (i, (_, generation, stop)) in running.Index())
            {
                if (generation.Result.IsCanceled)
                {
                    Assert.True(stop!.IsCancellationRequested);
                    continue;
                }
                Same(alone[i], await generation.Result);
                var text = "";
                while (generation.TryRead(out var piece)) text += piece.Text;
                Assert.Equal(alone[i].Text, text);
            }
            if (budget < 1 << 30 && name != "mamba") Assert.True(scheduler.Statistics.Preemptions > 0 || budget == 1);
        }
        Assert.Equal(0, model.StateBytes);
    }

    [Fact]
    public void The_budget_bounds_memory_while_more_than_one_text_is_generated()
    {
        using var model = RandomModel.Build(Models["attention"]);
        var budget = 6 * model.StateBytesOf(256);
        using var scheduler = new Scheduler(model, Bytes, new SchedulerOptions(budget, PassSeconds: 1e-3));
        var options = new GenerationOptions(SamplingOptions.Greedy, 200) { IgnoreEnds = true };
        // They begin alike and part within a page, which each then copies.
        var begin = RandomModel.Tokens(80, 256, 99);
        var all = Enumerable.Range(0, 20)
            .Select(i => scheduler.Submit(
                new GenerationRequest((int[])[.. begin, .. RandomModel.Tokens(20, 256, (ulong)i)], options))).ToList();
        var (most, together) = (0L, 0);
        while (!all.TrueForAll(generation => generation.Result.IsCompleted))
        {
            scheduler.Step();
            most = Math.Max(most, model.StateBytes);
            together = Math.Max(together, scheduler.Statistics.Running);
        }
        Assert.True(most <= budget, $"{most} of {budget}");
        Assert.InRange(together, 4, 20);
        Assert.True(scheduler.Statistics.Preemptions > 0);               // all twenty would need four times the budget
    }

    [Fact]
    public void A_long_prompt_goes_through_in_parts_between_the_steps_of_others()
    {
        using var model = FakeModel.OfHistory(263, 3000);
        using var scheduler = new Scheduler(model, Bytes, new SchedulerOptions(PassSeconds: 1e-9));
        var options = new GenerationOptions(SamplingOptions.Greedy, 50) { IgnoreEnds = true, Logprobs = 0 };
        var stream = scheduler.Submit(new GenerationRequest(new[] { 1 }, options));
        scheduler.Step();
        var tokens = model.TokensFed;
        var prompt = scheduler.Submit(new GenerationRequest(new int[500], options));
        for (var step = 0; step < 20; step++)
        {
            scheduler.Step();
            Assert.InRange(model.TokensFed - tokens, 2, 40);            // never the whole prompt, and always one of the stream
            tokens = model.TokensFed;
            Assert.True(stream.TryRead(out var piece) && piece.Token is not null);
            while (stream.TryRead(out _)) { }
        }
        while (!prompt.Result.IsCompleted) scheduler.Step();
    }

    [Fact]
    public async Task Texts_stream_from_a_started_scheduler_and_end_with_it()
    {
        using var model = FakeModel.OfAlphabet(3000);
        var scheduler = new Scheduler(model, Bytes);
        scheduler.Start();
        var options = new GenerationOptions(SamplingOptions.Greedy, 5) { Logprobs = 1 };
        var letters = await Task.WhenAll("abcdefgh".Select(async letter =>
        {
            var generation = scheduler.Submit(new GenerationRequest(Bytes.Encode(letter.ToString()), options));
            var (text, tokens) = ("", 0);
            await foreach (var piece in generation.ReadAllAsync(TestContext.Current.CancellationToken))
            {
                text += piece.Text;
                tokens += piece.Token is null ? 0 : 1;
            }
            Assert.Equal((5, text), (tokens, (await generation.Result).Text));
            return text;
        }));
        Assert.Equal("abcdefgh".Select(letter => new string([.. Enumerable.Range(1, 5).Select(i => (char)(letter + i))])), letters);

        using var hold = new ManualResetEventSlim();
        model.BeforeStep = hold.Wait;
        var endless = scheduler.Submit(new GenerationRequest(new[] { 1 }, new GenerationOptions(SamplingOptions.Greedy, 2000)));
        await endless.Started;
        var closing = Task.Run(scheduler.Dispose, TestContext.Current.CancellationToken);
        // The text may not end by itself while the scheduler is closing, which it is once it takes nothing more.
        while (TakesMore()) Thread.Sleep(1);
        hold.Set();
        await closing;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => endless.Result);

        bool TakesMore()
        {
            try
            {
                scheduler.Submit(new GenerationRequest(new[] { 1 }, options));
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void A_failure_fails_the_texts_of_its_pass_and_no_others()
    {
        using var model = FakeModel.OfAlphabet();
        using var scheduler = new Scheduler(model, Bytes);
        var options = new GenerationOptions(SamplingOptions.Greedy, 5);
        var first = scheduler.Submit(new GenerationRequest(new[] { (int)'a' }, options));
        scheduler.Step();
        model.BeforeStep = () => throw new InvalidOperationException("broken");
        scheduler.Step();
        Assert.Equal("broken", Assert.IsType<InvalidOperationException>(first.Result.Exception!.InnerException).Message);
        model.BeforeStep = () => { };
        Assert.Equal("bcdef", scheduler.Run(new GenerationRequest(new[] { (int)'a' }, options)).Text);
        Assert.Throws<UserErrorException>(() => scheduler.Submit(new GenerationRequest(new[] { 1, 4000 }, options)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Texts_that_begin_alike_are_computed_once(bool forgets)
    {
        using var model = FakeModel.OfHistory(263, 600, forgets);
        using var scheduler = new Scheduler(model, Bytes);
        var options = new GenerationOptions(SamplingOptions.Greedy, 4) { IgnoreEnds = true };
        int[] system = RandomModel.Tokens(200, 256, 1);
        Generation Ask(int question) => scheduler.Submit(new GenerationRequest((int[])[.. system, question, 2, 3], options));
        List<Generation> all = [.. Enumerable.Range(0, 6).Select(_ => Ask(7)), .. Enumerable.Range(0, 6).Select(Ask)];
        while (!all.TrueForAll(generation => generation.Result.IsCompleted)) scheduler.Step();
        var texts = await Task.WhenAll(all.Select(generation => generation.Result));
        Assert.All(texts[..6], text => Assert.Equal(texts[0].Tokens, text.Tokens));
        // The system prompt once, or once more where it takes a second text to know where others branch off.
        Assert.InRange(model.TokensFed, 200, 2 * 200 + 12 * 10);
        Assert.InRange(scheduler.Statistics.CacheHitRate, 0.8, 1);
        Assert.Equal(202, texts[1].Statistics.CachedTokens);
    }

    private static List<GenerationRequest> Requests(int count)
    {
        var random = new StableRandom(5);
        int[] shared = RandomModel.Tokens(90, 256, 9);
        var requests = new List<GenerationRequest>();
        for (var i = 0; i < count; i++)
        {
            int[] own = RandomModel.Tokens(1 + random.Next(random.Next(3) == 0 ? 150 : 20), 256, (ulong)(100 + i));
            var sampling = new SamplingOptions(Temperature: random.Next(3) == 0 ? 0 : 1, TopK: random.Next(2) * 20, Seed: (ulong)i)
            {
                RepetitionPenalty = random.Next(2) == 0 ? 1 : 1.2,
            };
            int[] prompt = random.Next(2) == 0 ? own : [.. shared, .. own];
            requests.Add(new GenerationRequest(prompt, new GenerationOptions(sampling, 1 + random.Next(60))
            {
                Stop = random.Next(3) == 0 ? ["e", "qq"] : null,
                Logprobs = random.Next(3) == 0 ? 2 : null,
                ScorePrompt = i % 5 == 0,
                IgnoreEnds = random.Next(2) == 0,
            }));
        }
        return requests;
    }

    private static void Same(GenerationResult expected, GenerationResult actual)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal((expected.Text, expected.FinishReason, expected.StopToken), (actual.Text, actual.FinishReason, actual.StopToken));
        Assert.Equal(Of(expected.Logprobs), Of(actual.Logprobs));
        Assert.Equal(
            expected.PromptLogprobs.SelectMany(token => token.Top), actual.PromptLogprobs.SelectMany(token => token.Top));

        static IEnumerable<(int, double?)> Of(IEnumerable<TokenLogprob> tokens) => tokens.Select(token => (token.Token, token.Logprob));
    }
}
