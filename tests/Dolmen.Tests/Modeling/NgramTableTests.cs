using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class NgramTableTests
{
    private const string Bigrams = "model.embed_bigrams.weight", Trigrams = "model.embed_trigrams.weight";

    private static DolmenConfig Small => (DolmenConfig)SmallModels.All["dolmen"];

    /// <summary>Trained tables depend on the hash: it may never change.</summary>
    [Fact]
    public void The_hash_is_that_of_the_format()
    {
        var (two, three) = (new NgramTableSpec("", 2, 65536, 1), new NgramTableSpec("", 3, 1000, 1));
        Assert.Equal(Expected([-1, 0], 65536), two.RowOf([-1, 0]));
        Assert.Equal(Expected([4095, 17], 65536), two.RowOf([4095, 17]));
        Assert.Equal(Expected([-1, 5, 128255], 1000), three.RowOf([-1, 5, 128255]));
        Assert.Equal((62086, 46111, 91), (two.RowOf([-1, 0]), two.RowOf([4095, 17]), three.RowOf([-1, 5, 128255])));
        Assert.Throws<ArgumentException>(() => two.RowOf([1]));

        // As plain sums of whole numbers.
        static int Expected(int[] tokens, int rows)
        {
            System.Numerics.BigInteger hash = 0, all = System.Numerics.BigInteger.One << 32;
            foreach (var token in tokens)
            {
                hash = (hash ^ (token + 1)) * 2654435761 % all;
                hash ^= hash >> 15;
            }
            return (int)(hash * 2246822507 % all * rows / all);
        }
    }

    [Fact]
    public void Rows_are_met_about_evenly_and_the_order_of_tokens_counts()
    {
        var table = new NgramTableSpec("", 2, 64, 1);
        var met = new int[64];
        for (var a = 0; a < 128; a++) for (var b = 0; b < 128; b++) met[table.RowOf([a, b])]++;
        Assert.All(met, count => Assert.InRange(count, 256 / 2, 256 * 2));
        Assert.True(Enumerable.Range(1, 100).Count(i => table.RowOf([i, 0]) != table.RowOf([0, i])) > 90);
    }

    [Fact]
    public void A_tables_gradient_is_that_of_differences()
    {
        using var scope = NewDisposeScope();
        using var model = Build(Small);
        var random = new Dolmen.Artifacts.StableRandom(9);
        foreach (var name in new[] { Bigrams, Trigrams })
            foreach (ref var weight in model.Parameters.Weights(name)) weight = (float)random.NextNormal() * 0.2f;
        var tokens = tensor([.. Enumerable.Range(0, 24).Select(_ => (long)random.Next(7))], [2, 12]);
        model.Loss(tokens, tokens, 1.0 / 24).backward();
        var gradients = model.ExportedGradients().ToDictionary(entry => entry.Name, entry => entry.Values, StringComparer.Ordinal);
        using var noGradient = no_grad();
        foreach (var name in new[] { Bigrams, Trigrams })
        {
            var gradient = gradients[name];
            var scale = gradient.Max(Math.Abs);
            for (var i = 0; i < gradient.Length; i += 29)
            {
                const float Step = 0.02f;
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_rows_that_were_met_are_stepped_by_AdamW_as_in_plain_loops(bool kernels)
    {
        using var model = new LanguageDecoder(Small, kernels ? Compute.Host() : Compute.Torch());
        model.Parameters.Initialize(3);
        var recipe = new AdamWRecipe(0.01, WeightDecay: 0);
        using var optimizer = recipe.Build(model.Parameters);
        double[] weights = ToDouble(model.Parameters.Read(Bigrams)), m = new double[weights.Length], v = new double[weights.Length];
        var d = Small.DModel;
        for (var step = 1; step <= 4; step++)
        {
            using var scope = NewDisposeScope();
            var tokens = tensor([.. Enumerable.Range(0, 8).Select(i => (long)((i * step) % 5))], [1, 8]);
            model.Loss(tokens, tokens, 1.0 / 8).backward();
            var gradient = model.ExportedGradients().First(entry => entry.Name == Bigrams).Values;
            model.Parameters.TakeGradients(first: true);
            optimizer.Step(step, 1, 0.5);
            for (var row = 0; row < Small.BigramRows; row++)
            {
                if (gradient.AsSpan(row * d, d).IndexOfAnyExcept(0f) < 0) continue;
                for (var i = row * d; i < (row + 1) * d; i++)
                {
                    m[i] = 0.9 * m[i] + 0.1 * 0.5 * gradient[i];
                    v[i] = 0.95 * v[i] + 0.05 * 0.25 * gradient[i] * gradient[i];
                    weights[i] -= 0.01 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                }
            }
        }
        var stepped = ToDouble(model.Parameters.Read(Bigrams));
        Assert.All(weights.Zip(stepped), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.InRange(Enumerable.Range(0, Small.BigramRows).Count(row => stepped[row * d] != 0), 4, Small.BigramRows - 4);
    }

    [Fact]
    public void Gradients_of_micro_batches_and_parts_add_up_and_a_new_sum_forgets_the_last()
    {
        using var scope = NewDisposeScope();
        using var model = Build(Small);
        using var other = Build(Small);
        long[] ids = [.. Enumerable.Range(0, 48).Select(i => (long)(i * i % 11))];
        var all = tensor(ids, [4, 12]);
        other.Backward(all.narrow(0, 0, 1), all.narrow(0, 0, 1), 1, first: true);          // forgotten by the next
        other.Backward(all.narrow(0, 0, 2), all.narrow(0, 0, 2), 1.0 / 48, first: true);
        other.Backward(all.narrow(0, 2, 2), all.narrow(0, 2, 2), 1.0 / 48, first: false);
        model.Backward(all, all, 1.0 / 48, first: true);
        var (expected, actual) = (model.Parameters.Gradient.ToArray(), other.Parameters.Gradient.ToArray());
        var largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * largest));
        var norm = Math.Sqrt(expected.Sum(value => (double)value * value));
        Assert.Equal(norm, model.Parameters.GradientNorm(), 1e-5 * norm);
    }

    [Fact]
    public void A_frozen_table_is_looked_up_and_not_learned()
    {
        using var scope = NewDisposeScope();
        using var model = Build(Small);
        var tokens = tensor([.. Enumerable.Range(0, 12).Select(i => (long)i)], [1, 12]);
        var without = model.Loss(tokens, tokens, 1.0 / 12).item<float>();
        var random = new Random(5);
        foreach (ref var weight in model.Parameters.Weights(Bigrams)) weight = random.NextSingle() - 0.5f;
        model.Parameters.Freeze(spec => spec.Name.Contains("grams", StringComparison.Ordinal));
        var before = model.Parameters.Read(Bigrams);
        // No part of the recipe is frozen: what has no gradient is not stepped.
        using var optimizer = new AdamWRecipe(0.01).Build(model.Parameters);
        var loss = model.Backward(tokens, tokens, 1.0 / 12, first: true);
        Assert.NotEqual(without, loss, 1e-3);
        Assert.Empty(model.Parameters.Rows.Touched(Bigrams));
        optimizer.Step(1, 1, 1);
        Assert.Equal(before, model.Parameters.Read(Bigrams));
        Assert.NotEqual(0, model.Parameters.GradientNorm());
    }

    public static TheoryData<OptimizerRecipe, bool> OthersByRows => new()
    {
        { new LionRecipe(0.01), true }, { new LionRecipe(0.01), false }, { new SgdRecipe(0.01), true }, { new SgdRecipe(0.01), false },
    };

    [Theory, MemberData(nameof(OthersByRows), DisableDiscoveryEnumeration = true)]
    public void A_row_that_a_step_does_not_meet_stays_where_it_is(OptimizerRecipe recipe, bool kernels)
    {
        using var scope = NewDisposeScope();
        using var model = new LanguageDecoder(Small, kernels ? Compute.Host() : Compute.Torch());
        model.Parameters.Initialize(3);
        using var optimizer = recipe.Build(model.Parameters);
        var d = Small.DModel;
        var (table, met) = (model.Parameters.Read(Bigrams), new HashSet<int>());
        for (var step = 1; step <= 3; step++)
        {
            var tokens = tensor([.. Enumerable.Range(0, 8).Select(i => (long)(i * step % 5))], [1, 8]);
            model.Backward(tokens, tokens, 1.0 / 8, first: true);
            optimizer.Step(step, 1, 1);
            var stepped = model.Parameters.Read(Bigrams);
            var touched = model.Parameters.Rows.Touched(Bigrams);
            for (var row = 0; row < Small.BigramRows; row++)
            {
                var moved = !table.AsSpan(row * d, d).SequenceEqual(stepped.AsSpan(row * d, d));
                Assert.Equal(touched.Contains(row), moved);
            }
            if (step > 1) Assert.NotEmpty(met.Except(touched));
            met.UnionWith(touched);
            table = stepped;
        }
    }

    private static double[] ToDouble(float[] values) => Array.ConvertAll(values, value => (double)value);

    private static LanguageDecoder Build(DolmenConfig config)
    {
        var model = new LanguageDecoder(config, Compute.Host());
        model.Parameters.Initialize(3);
        return model;
    }
}
