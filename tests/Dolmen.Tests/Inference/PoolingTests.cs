using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference;

/// <summary>Vectors that the scheduler makes of texts, in company and in parts, against the hidden states of each text computed alone and
/// in one go.</summary>
public sealed class PoolingTests : IDisposable
{
    private static readonly ByteTokenizer Bytes = new();

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => DecoderArchitectures.Names;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Vectors_are_those_of_the_text_alone_to_the_bit(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        var longest = Math.Min(config.ContextLength, 200);
        int[][] texts = [.. ((int[])[longest, 70, 33, 1, 70]).Select((length, i) =>
            RandomModel.Tokens(Math.Min(length, longest), config.VocabSize, (ulong)(i % 4)))];        // the last is the second again
        // Once with room for all, once with so little that they take each other's states.
        foreach (var budget in (long[])[1 << 30, 2 * config.StateBytes(40, 4)])
        {
            using var scheduler = new Scheduler(model, Bytes, new SchedulerOptions(budget, MaxSequences: 3, PassSeconds: 1e-9));
            var running = new List<(int[] Text, Pooling Pooling, Generation Generation)>();
            foreach (var pooling in Enum.GetValues<Pooling>())
            {
                foreach (var text in texts)
                    running.Add((text, pooling, scheduler.Submit(new GenerationRequest(text, Options(pooling)))));
            }
            while (scheduler.Step()) { }
            foreach (var (text, pooling, generation) in running)
            {
                var result = await generation.Result;
                Assert.Equal(Pooled(model, text, pooling), result.Pooled);
                Assert.Empty(result.Tokens);
            }
        }
    }

    [Fact]
    public async Task A_vector_comes_beside_a_text_that_goes_on()
    {
        var config = DecoderArchitectures.All["llama"];
        using var model = RandomModel.Build(config);
        var prompt = RandomModel.Tokens(20, config.VocabSize, 1);
        var options = new GenerationOptions(SamplingOptions.Greedy, 5) { IgnoreEnds = true };
        using var scheduler = new Scheduler(model, Bytes);
        var both = scheduler.Submit(new GenerationRequest(prompt, options with { Pooling = Pooling.Mean }));
        while (scheduler.Step()) { }
        var result = await both.Result;
        Assert.Equal(Pooled(model, prompt, Pooling.Mean), result.Pooled);
        Assert.Equal(new Generator(model, Bytes).Generate(prompt, options).Tokens, result.Tokens);
    }

    [Fact]
    public void What_has_no_vector_is_refused()
    {
        using var decoder = RandomModel.Build(DecoderArchitectures.All["llama"]);
        using var scheduler = new Scheduler(decoder, Bytes);
        var context = decoder.Config.ContextLength;
        var whole = scheduler.Submit(new GenerationRequest(new int[context], Options(Pooling.Last)));      // fits
        var error = Assert.Throws<UserErrorException>(() =>
            scheduler.Submit(new GenerationRequest(new int[context + 1], Options(Pooling.Last))));
        Assert.Contains($"{context + 1} tokens", error.Message, StringComparison.Ordinal);
        while (scheduler.Step()) { }
        Assert.True(whole.Result.IsCompletedSuccessfully);

        using var without = new NoStates();
        using var second = new Scheduler(without, Bytes);
        error = Assert.Throws<UserErrorException>(() => second.Submit(new GenerationRequest(new[] { 1 }, Options(Pooling.Mean))));
        Assert.Contains("decoder", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"word_embedding_dimension":4,"pooling_mode_mean_tokens":true,"pooling_mode_lasttoken":false}""", Pooling.Mean)]
    [InlineData("""{"pooling_mode_cls_token":false,"pooling_mode_lasttoken":true}""", Pooling.Last)]
    [InlineData("{}", null)]
    public void A_model_says_how_its_vectors_are_made(string file, object? expected)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "1_Pooling")).FullName;
        File.WriteAllText(Path.Combine(folder, "config.json"), file);
        Assert.Equal((Pooling?)expected, PoolingSetting.Of(_folder.Path));
    }

    [Fact]
    public void Ways_that_are_not_known_are_named()
    {
        Assert.Null(PoolingSetting.Of(_folder.Path));
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "1_Pooling")).FullName;
        File.WriteAllText(Path.Combine(folder, "config.json"), """{"pooling_mode_cls_token":true}""");
        var error = Assert.Throws<UserErrorException>(() => PoolingSetting.Of(_folder.Path));
        Assert.Contains("cls_token", error.Message, StringComparison.Ordinal);
    }

    private static GenerationOptions Options(Pooling pooling) => new(SamplingOptions.Greedy, MaxTokens: 0) { Pooling = pooling };

    private static float[] Pooled(DecoderModel model, int[] text, Pooling pooling)
    {
        var (d, n) = (model.HiddenSize, text.Length);
        var states = new float[n * d];                                   // (T, D)
        using var state = model.NewState(n);
        model.Forward(new SequenceSlice(state, text) { HiddenStates = states });
        return pooling == Pooling.Last ? states[^d..]
            : [.. Enumerable.Range(0, d).Select(i => (float)(Enumerable.Range(0, n).Sum(t => (double)states[t * d + i]) / n))];
    }

    private sealed class NoStates : LanguageModel
    {
        public override ModelConfig Config { get; } = DecoderArchitectures.All["llama"];

        public override DecodeState NewState(int capacity) => throw new NotSupportedException();

        public override void Forward(params ReadOnlySpan<SequenceSlice> batch) => throw new NotSupportedException();
    }
}
