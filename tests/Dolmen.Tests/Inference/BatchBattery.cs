using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

/// <summary>What a sequence gets is the same to the bit alone and in company, for every registered architecture: the batches are random, of
/// parts of prompts and single tokens.</summary>
public class BatchBattery
{
    private const int Sequences = 5;

    public static TheoryData<string> Names => DecoderArchitectures.Names;

    public static TheoryData<ModelConfig> Pairs => EncoderDecoderModels.Every;

    [Theory]
    [MemberData(nameof(Names))]
    public void A_sequence_gets_the_same_bits_alone_and_in_any_company(string name)
    {
        var config = DecoderArchitectures.All[name];
        foreach (var (precision, kept) in Kept())
        {
            using var single = RandomModel.Build(config, threads: 1, precision: precision, kept: kept);
            using var model = RandomModel.Build(config, precision: precision, kept: kept);
            // The longest is more than a pass, and several times round the windows.
            var texts = Texts(config, 0, 330, 120, 61, 40, 1);
            var alone = Array.ConvertAll(texts, text => Alone(single, text, single.NewState(text.Length)));
            for (ulong seed = 1; seed <= 3; seed++)
            {
                var states = Array.ConvertAll(texts, text => model.NewState(text.Length));
                InCompany(model, texts, states, alone, new StableRandom(seed), most: seed == 1 ? 3 : 150);
                foreach (var state in states) state.Dispose();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_target_gets_the_same_bits_alone_and_in_any_company(ModelConfig config)
    {
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        var (sources, texts) = (Texts(config, 50, 7, 1, 12, 3, 5), Texts(config, 0, 15, 9, 16, 1, 4));
        float[][]? exact = null;
        foreach (var precision in Enum.GetValues<WeightPrecision>())
        {
            using var single = Build(threads: 1, precision);
            using var model = Build(threads: null, precision);
            var alone = new float[Sequences][];
            for (var i = 0; i < Sequences; i++) alone[i] = Alone(single, texts[i], Encoded(single, sources[i]));
            exact ??= alone;
            // What rounding changes is little, and something: matrices with fewer than 32 inputs stay as they are in eight and four bits.
            if (precision is WeightPrecision.BFloat16 or WeightPrecision.Int8 or WeightPrecision.Int4)
            {
                if (precision == WeightPrecision.BFloat16 || shapes.Values.Any(shape => shape is [_, >= 32])) Assert.NotEqual(exact, alone);
                var most = precision == WeightPrecision.Int4 ? 0.5 : 0.05;
                for (var i = 0; i < Sequences; i++) Assert.InRange(Difference(exact[i], alone[i]), 0, most);
            }
            for (ulong seed = 1; seed <= 5; seed++)
            {
                DecodeState[] states = [.. sources.Select(source => Encoded(model, source))];
                InCompany(model, texts, states, alone, new StableRandom(seed), most: 4);
            }
        }

        EncoderDecoderModel Build(int? threads, WeightPrecision precision) => EncoderDecoderModel.Build(
            config, name => RandomModel.Values(name, shapes[name], 1), threads: threads, precision: precision);

        // Of the logits, as a share of how far they spread.
        static double Difference(float[] expected, float[] actual) =>
            Math.Sqrt(expected.Zip(actual, (a, b) => (a - (double)b) * (a - b)).Sum() / expected.Sum(a => (double)a * a));
    }

    [Fact]
    public void A_prompt_in_parts_is_the_prompt_at_once_where_positions_are_scaled_by_its_length()
    {
        var byFactors = new LongRopeScaling(4, 32, [1, 1.1, 1.2, 1.4, 1.6, 2], [1.2, 2, 3, 4, 6, 9]);
        foreach (var scaling in (RotaryScaling[])[new DynamicScaling(4, 32), byFactors])
        {
            var config = new TransformerConfig(101, 36, 2, 3, 1, 12, 50, 128, RopeScaling: scaling);
            using var model = RandomModel.Build(config);
            Assert.True(model.DependsOnLength);
            int[] one = RandomModel.Tokens(90, 101, 1), other = RandomModel.Tokens(50, 101, 2);
            float[] first = new float[101], second = new float[101], expectedFirst = new float[101], expectedSecond = new float[101];
            model.Prefill(one, model.NewState(90), expectedFirst);
            model.Prefill(other, model.NewState(50), expectedSecond);
            using DecodeState a = model.NewState(90), b = model.NewState(50);
            for (var at = 0; at < 90; at += 30)
            {
                var part = new SequenceSlice(a, one.AsMemory(at, 30)) { PromptEnd = 90, Logits = first };
                var beside = other.AsMemory(Math.Min(50, at / 30 * 25));
                if (beside.IsEmpty) model.Forward(part);
                else model.Forward(part, new SequenceSlice(b, beside[..25]) { PromptEnd = 50, Logits = second });
            }
            Assert.Equal(expectedFirst, first);
            Assert.Equal(expectedSecond, second);
            Assert.NotEqual(expectedFirst, InParts(model, one));
        }
        using var plain = RandomModel.Build(new TransformerConfig(101, 36, 2, 3, 1, 12, 50, 128, RopeScaling: new YarnScaling(4, 32)));
        Assert.False(plain.DependsOnLength);
    }

    [Fact]
    public void A_batch_is_checked_before_any_state_changes()
    {
        using var model = RandomModel.Build(DecoderArchitectures.All["llama"]);
        using DecodeState one = model.NewState(4), two = model.NewState(4);
        var good = new SequenceSlice(one, new[] { 1, 2 });
        Assert.Throws<ArgumentException>(() => model.Forward(good, good));
        Assert.Throws<ArgumentException>(() => model.Forward(good, new SequenceSlice(two, new[] { 1, 2, 3, 4, 5 })));
        Assert.Throws<ArgumentException>(() => model.Forward(good, new SequenceSlice(two, new[] { 1 }) { Logits = new float[7] }));
        Assert.Throws<ArgumentException>(() => model.Forward(good, new SequenceSlice(two, new[] { 1 }) { Targets = new[] { 1 } }));
        Assert.Throws<ArgumentException>(() => model.Forward(
            good, new SequenceSlice(two, new[] { 1 }) { Logits = new float[2 * model.Config.VocabSize] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(
            good, new SequenceSlice(two, new[] { 1 }) { Targets = new[] { -1 }, LogProbs = new double[1] }));
        Assert.Equal((0, 0), (one.Length, two.Length));
    }

    private static IEnumerable<(WeightPrecision Precision, KvPrecision Kept)> Kept() =>
    [
        .. Enum.GetValues<WeightPrecision>().Select(precision => (precision, KvPrecision.Automatic)),
        (WeightPrecision.Stored, KvPrecision.Int16), (WeightPrecision.Stored, KvPrecision.Int8),
    ];

    private static int[][] Texts(ModelConfig config, ulong seed, params int[] lengths) =>
        [.. lengths.Select((length, i) => RandomModel.Tokens(length, config.VocabSize, seed + (ulong)i))];

    private static DecodeState Encoded(EncoderDecoderModel model, int[] source)
    {
        var state = model.NewState(16);
        model.Encode(source, state);
        return state;
    }

    private static float[] Alone(LanguageModel model, int[] text, DecodeState state)
    {
        var logits = new float[text.Length * model.Config.VocabSize];
        model.Logits(text, state, logits);
        return logits;
    }

    private static float[] InParts(LanguageModel model, int[] text)
    {
        var logits = new float[model.Config.VocabSize];
        using var state = model.NewState(text.Length);
        foreach (var part in text.Chunk(30)) model.Prefill(part, state, logits);
        return logits;
    }

    /// <summary>Random sequences with random numbers of tokens and of wanted rows in every pass, until all are through.</summary>
    private static void InCompany(
        LanguageModel model, int[][] texts, DecodeState[] states, float[][] alone, StableRandom random, int most)
    {
        var vocab = model.Config.VocabSize;
        while (texts.Index().Any(text => states[text.Index].Length < text.Item.Length))
        {
            var batch = new List<(int Text, SequenceSlice Slice)>();
            for (var i = 0; i < texts.Length; i++)
            {
                var left = texts[i].Length - states[i].Length;
                if (left == 0 || random.Next(3) == 0) continue;
                var count = Math.Min(left, random.Next(2) == 0 ? 1 : 1 + random.Next(most));
                var targets = random.Next(count + 1);
                batch.Add((i, new SequenceSlice(states[i], texts[i].AsMemory(states[i].Length, count))
                {
                    Logits = new float[random.Next(count + 1) * vocab],
                    Targets = texts[i].AsMemory(0, targets),
                    LogProbs = new double[targets],
                }));
            }
            model.Forward([.. batch.Select(entry => entry.Slice)]);
            foreach (var (text, slice) in batch)
            {
                var end = states[text].Length * vocab;
                Assert.True(slice.Logits.Span.SequenceEqual(alone[text].AsSpan(end - slice.Logits.Length, slice.Logits.Length)));
                for (var t = 0; t < slice.Targets.Length; t++)
                {
                    var row = alone[text].AsSpan(end - (slice.Targets.Length - t) * vocab, vocab);
                    var total = 0.0;
                    foreach (var logit in row) total += Math.Exp(logit);
                    Assert.Equal(row[slice.Targets.Span[t]] - Math.Log(total), slice.LogProbs.Span[t], 1e-5);
                }
            }
        }
    }
}
