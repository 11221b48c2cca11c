using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>What holds for every architecture on packed rows: the texts of a row do not know of each other.</summary>
public class PackingBattery
{
    public static TheoryData<string> Names => [.. SmallModels.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Packed_rows_give_the_loss_and_the_gradients_of_the_texts_one_by_one(string name)
    {
        foreach (var compute in new[] { Compute.Host(), Compute.Torch() })
        {
            using var scope = NewDisposeScope();
            using var packed = Build(name, compute);
            using var apart = Build(name, compute);
            var segments = PackedRows.Of([5, 1, 33, 6, -3], [48], [20, 28], [2, 2, 3, -41]);
            SameSums(name, 1e-5, packed, apart, segments);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Packed_rows_of_bfloat16_models_differ_by_roundings_only(string name)
    {
        using var scope = NewDisposeScope();
        using var packed = Build(name, Compute.Host(bfloat16: true));
        using var apart = Build(name, Compute.Host(bfloat16: true));
        SameSums(name, 0.03, packed, apart, PackedRows.Of([5, 1, 33, 6, -3], [20, 28]));
    }

    [Theory, MemberData(nameof(Names))]
    public void Copies_and_neighbours_in_any_order_leave_a_texts_log_probabilities_as_they_are(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var model = Build(name, Compute.Host());
        long[] text = Tokens(model, 14, seed: 5), other = Tokens(model, 9, seed: 6), third = Tokens(model, 21, seed: 7);
        var alone = LogProbs(model, [text])[0];
        long[][][] rows =
        [
            [text, text],
            [text, text, text],
            [other, text],
            [text, other],
            [third, other, text],
            [other, third, text],
            [text, third, other, text],
        ];
        foreach (var row in rows)
        {
            var together = LogProbs(model, row);
            foreach (var (tokens, logProbs) in row.Zip(together).Where(pair => pair.First == text)) Near(alone, logProbs, 1e-5);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Padding_on_the_right_changes_nothing(string name)
    {
        // The router's own losses included: they are means over the tokens that are there.
        foreach (var (padding, pad) in new[] { (1, 0L), (19, 3L), (50, 60L) })
        {
            using var scope = NewDisposeScope();
            using var bare = Build(SmallModels.All[name], Compute.Host());
            using var padded = Build(SmallModels.All[name], Compute.Host());
            long[] tokens = Tokens(bare, 14, seed: 5), targets = Tokens(bare, 14, seed: 8);
            var expected = bare.Loss(tensor(tokens, [1, 14]), tensor(targets, [1, 14]), 0.5);
            var actual = padded.Loss(tensor([.. tokens, .. Enumerable.Repeat(pad, padding)], [1, 14 + padding]),
                tensor([.. targets, .. Enumerable.Repeat(-1L, padding)], [1, 14 + padding]), 0.5, PackedRows.Of([14, -padding]));
            expected.backward();
            actual.backward();
            BackwardGuard.ThrowIfFailed();
            Assert.Equal(expected.item<float>(), actual.item<float>(), 1e-5f * expected.item<float>());
            // S4 makes a kernel as long as the row, and the roundings of its Cauchy products depend on that length.
            SameGradients(name, 3e-5, bare, padded);
            foreach (var (one, two) in bare.LastMetrics().Zip(padded.LastMetrics())) Assert.Equal(one.Value, two.Value, 1e-5 * one.Value);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_token_reaches_no_other_text(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var model = Build(name, Compute.Host());
        long[] first = Tokens(model, 11, seed: 5), second = Tokens(model, 13, seed: 6);
        var before = LogProbs(model, [first, second]);
        long[] changed = [.. first];
        changed[^1] = (changed[^1] + 7) % model.Config.VocabSize;
        changed[2] = (changed[2] + 11) % model.Config.VocabSize;
        var after = LogProbs(model, [changed, second]);
        Near(before[1], after[1], 1e-6);
        Assert.NotEqual(before[0], after[0]);
    }

    [Fact]
    public void A_packed_pass_leaves_no_tensor_behind()
    {
        foreach (var name in new[] { "mixtral", "jamba", "hybrid-long", "gpt2", "mamba2" })
        {
            using var model = Build(SmallModels.All[name], Compute.Host());
            var segments = PackedRows.Of([5, 1, 33, 6, -3]);
            void Pass()
            {
                using var scope = NewDisposeScope();
                var tokens = tensor(Tokens(model, 48, seed: 5), [1, 48]);
                model.Loss(tokens, tokens, 1.0 / 48, segments).backward();
                BackwardGuard.ThrowIfFailed();
                model.Parameters.TakeGradients(first: true);
            }
            Pass();
            Pass();
            var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
            for (var i = 0; i < 3; i++) Pass();
            Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        }
    }

    private static void SameSums(string name, double tolerance, LanguageDecoder packed, LanguageDecoder apart, Segments segments)
    {
        var (rows, length) = (segments.Rows, segments.Length);
        long[] tokens = Tokens(packed, rows * length, seed: 5), targets = Tokens(packed, rows * length, seed: 8);
        for (var i = 0; i < targets.Length; i += 7) targets[i] = -1;
        foreach (var padding in segments.All.Where(segment => segment.Padding))
            targets.AsSpan(padding.Row * length + padding.Start, padding.Length).Fill(-1);
        var loss = packed.Loss(tensor(tokens, [rows, length]), tensor(targets, [rows, length]), 0.1, segments);
        loss.backward();
        BackwardGuard.ThrowIfFailed();
        var sum = 0.0;
        foreach (var segment in segments.All.Where(segment => !segment.Padding))
        {
            Tensor Own(long[] values) =>
                tensor(values.AsSpan(segment.Row * length + segment.Start, segment.Length).ToArray(), [1, segment.Length]);
            var one = apart.Loss(Own(tokens), Own(targets), 0.1);
            one.backward();
            BackwardGuard.ThrowIfFailed();
            sum += one.item<float>();
        }
        Assert.True(Math.Abs(sum - loss.item<float>()) <= tolerance * sum, $"{name}: {loss.item<float>()} packed, {sum} one by one");
        SameGradients(name, tolerance, apart, packed);
    }

    private static void SameGradients(string name, double tolerance, LanguageDecoder expected, LanguageDecoder actual)
    {
        foreach (var (one, two) in expected.ExportedGradients().Zip(actual.ExportedGradients()))
        {
            var scale = one.Values.Max(Math.Abs) + 1e-6f;
            var worst = one.Values.Zip(two.Values, (a, b) => Math.Abs(a - b)).Max() / scale;
            Assert.True(worst <= tolerance, $"{name}, {one.Name}: gradients differ by {worst:E2} of the largest");
        }
    }

    /// <summary>Log-probabilities of each text's tokens (as targets of themselves) when the texts share a row.</summary>
    private static float[][] LogProbs(LanguageDecoder model, long[][] row)
    {
        using var scope = NewDisposeScope();
        long[] tokens = [.. row.SelectMany(text => text)];
        var segments = row.Length == 1 ? null : PackedRows.Of([.. row.Select(text => text.Length)]);
        var all = model.LogProbs(tensor(tokens, [1, tokens.Length]), tensor(tokens, [1, tokens.Length]), segments).data<float>().ToArray();
        var results = new List<float[]>();
        foreach (var text in row)
        {
            var at = results.Sum(result => result.Length);
            results.Add(all[at..(at + text.Length)]);
        }
        return [.. results];
    }

    private static void Near(float[] expected, float[] actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + Math.Abs(pair.First))));

    /// <summary>Without the router's own losses: they are products of means over a batch and do not add up.</summary>
    private static LanguageDecoder Build(string name, Compute compute) => Build(SmallModels.All[name] switch
    {
        TransformerConfig { Experts: { } experts } config => config with { Experts = Unbalanced(experts) },
        JambaConfig config => config with { Experts = Unbalanced(config.Experts) },
        HybridConfig { Experts: { } experts } config => config with { Experts = Unbalanced(experts) },
        var config => config,
    }, compute);

    private static MixtureConfig Unbalanced(MixtureConfig experts) => experts with { AuxLossCoefficient = 0, ZLossCoefficient = 0 };

    private static LanguageDecoder Build(DecoderConfig config, Compute compute)
    {
        var model = new LanguageDecoder(config, compute);
        model.Parameters.Initialize(3);
        return model;
    }

    private static long[] Tokens(LanguageDecoder model, int count, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(model.Config.VocabSize))];
    }
}
