using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Tests.Fakes;
using Dolmen.Training.Optimizers;
using TorchSharp;
using static Dolmen.Tests.Training.OptimizerTests;

namespace Dolmen.Tests.Training;

/// <summary>Muon against plain loops in double of its published iteration, and which matrices it takes one by one.</summary>
public class MuonTests
{
    [Fact]
    public void Muon_steps_by_the_published_iteration_and_takes_stacked_matrices_one_by_one()
    {
        // Two matrices (2, 5) and (4, 5) on top of each other, and the same two apart.
        var recipe = new MuonRecipe(0.02, 0.01, 0.95);
        var (start, gradients) = (Golden("w0"), Golden("grads_w"));
        using var stacked = new ParameterStore(
            [new ParameterSpec("w", [6, 5], ParameterGroup.Matrix, Initializers.Constant(0), [2, 4])],
            Compute.Host()
        );
        start.CopyTo(stacked.Weights("w"));
        using var optimizer = recipe.Build(stacked);
        double[][] weights = [[.. start[..10].Select(w => (double)w)], [.. start[10..].Select(w => (double)w)]];
        double[][] momenta = [new double[10], new double[20]];
        for (var step = 0; step < Steps; step++)
        {
            Give(stacked, gradients, step, [6, 5]);
            optimizer.Step(step + 1, 1, 1);
            for (var part = 0; part < 2; part++)
            {
                var (rows, first) = (part == 0 ? 2 : 4, part == 0 ? 0 : 10);
                var direction = new double[rows * 5];
                for (var i = 0; i < direction.Length; i++)
                {
                    double g = gradients[step * 30 + first + i];
                    momenta[part][i] += 0.05 * (g - momenta[part][i]);
                    direction[i] = g + 0.95 * (momenta[part][i] - g);
                }
                var update = NewtonSchulz(direction, rows, 5);
                for (var i = 0; i < direction.Length; i++)
                {
                    weights[part][i] = weights[part][i] * (1 - 0.02 * 0.01) - 0.02 * Math.Sqrt(Math.Max(1, rows / 5.0)) * update[i];
                    Assert.Equal(weights[part][i], stacked.Weights("w")[first + i], 1e-4);
                }
            }
        }
    }

    public static TheoryData<string, string, long[]> Stacks => new()
    {
        { "llama", "model.layers.0.self_attn.q_proj.weight", [36, 18, 18] },
        { "llama", "model.layers.0.mlp.gate_proj.weight", [50, 50] },
        { "gpt2", "transformer.h.1.attn.c_attn.weight", [36, 36, 36] },
        { "mamba", "backbone.layers.0.mixer.in_proj.weight", [44, 44] },
        { "mamba", "backbone.layers.0.mixer.x_proj.weight", [3, 5, 5] },
        { "mamba2", "backbone.layers.0.mixer.in_proj.weight", [40, 40, 14, 14, 4] },
        { "jamba", "model.layers.0.mamba.in_proj.weight", [40, 40] },
        { "s4", "model.layers.0.s4.output_linear.weight", [20, 20] },
        { "h3", "model.layers.0.h3.q_proj.weight", [20, 20, 20] },
    };

    [Theory, MemberData(nameof(Stacks))]
    public void Models_say_which_matrices_share_a_tensor(string name, string tensor, long[] rows)
    {
        using var model = new LanguageDecoder(SmallModels.All[name], Compute.Host());
        Assert.Equal(rows, model.Parameters.Specs.Single(spec => spec.Name == tensor).StackedRows);
    }

    [Fact]
    public void Pair_models_say_which_matrices_share_a_tensor_and_which_are_tables_and_heads()
    {
        using var recurrent = TrainableModel.Build(new Seq2SeqConfig(40, 16, 12, 10, 1, 20), Compute.Host());
        using var transformer = TrainableModel.Build(new EncoderDecoderConfig(40, 16, 1, 1, 2, 24, 20), Compute.Host());
        ParameterSpec Spec(TrainableModel model, string name) => model.Parameters.Specs.Single(spec => spec.Name == name);
        Assert.Equal([10, 10, 10, 10], Spec(recurrent, "encoder.rnn.weight_hh_l0").StackedRows);
        Assert.Equal(ParameterGroup.Embedding, Spec(recurrent, "src_embed.weight").Group);
        Assert.Equal(ParameterGroup.Head, Spec(recurrent, "decoder.output_layer.weight").Group);
        Assert.Equal([16, 16, 16], Spec(transformer, "encoder.layers.0.self_attn.qkv_proj.weight").StackedRows);
        Assert.Equal([16, 16], Spec(transformer, "decoder.layers.0.cross_attn.kv_proj.weight").StackedRows);
        Assert.Equal([24, 24], Spec(transformer, "decoder.layers.0.mlp.gate_up_proj.weight").StackedRows);
        Assert.Equal(ParameterGroup.Embedding, Spec(transformer, "embed_tokens.weight").Group);
    }

    /// <summary>The update of a model whose projections share a tensor is that of each projection stepped alone.</summary>
    [Theory]
    [InlineData("gpt2", "transformer.h.0.attn.c_attn.weight")]
    [InlineData("mamba", "backbone.layers.0.mixer.in_proj.weight")]
    [InlineData("mamba2", "backbone.layers.0.mixer.in_proj.weight")]
    public void Muon_steps_each_projection_of_a_model_alone(string name, string tensor)
    {
        using var model = new LanguageDecoder(SmallModels.All[name], Compute.Host());
        model.Parameters.Initialize(3);
        var (spec, offset) = model.Parameters.Layout.Single(entry => entry.Spec.Name == tensor);
        var random = new Dolmen.Artifacts.StableRandom(5);
        foreach (ref var gradient in model.Parameters.Gradient) gradient = (float)random.NextNormal();
        var (before, width) = (model.Parameters.Weights(tensor).ToArray(), (int)spec.Shape[1]);
        using var optimizer = new MuonRecipe(0.02, Nesterov: false).Build(model.Parameters);
        optimizer.Step(1, 1, 1);
        var after = model.Parameters.Weights(tensor).ToArray();
        var first = 0;
        foreach (var rows in spec.StackedRows!)
        {
            var count = (int)rows * width;
            double[] gradient = [.. model.Parameters.Gradient.Slice((int)offset + first, count).ToArray().Select(value => (double)value)];
            var update = NewtonSchulz(gradient, (int)rows, width);
            var scale = 0.02 * Math.Sqrt(Math.Max(1, (double)rows / width));
            for (var i = 0; i < count; i++) Assert.Equal(before[first + i] - scale * update[i], after[first + i], 2e-4);
            first += count;
        }
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(32, 7)]
    [InlineData(5, 40)]
    public void What_Muon_steps_by_has_singular_values_near_one(int rows, int columns)
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(1);
        var update = Muon.NearestOrthogonal(torch.randn([rows, columns], generator: generator), 5, torch.ScalarType.Float32);
        var values = torch.linalg.svdvals(update).data<float>().ToArray();
        Assert.All(values, value => Assert.InRange(value, 0.3f, 1.3f));
        Assert.Equal(Math.Min(rows, columns), values.Length);
    }

    private static double[] NewtonSchulz(double[] matrix, int rows, int columns)
    {
        var norm = Math.Sqrt(matrix.Sum(value => value * value)) + 1e-7;
        var x = new double[rows, columns];
        for (var i = 0; i < matrix.Length; i++) x[i / columns, i % columns] = matrix[i] / norm;
        var isTall = rows > columns;
        if (isTall) x = Transposed(x);
        for (var i = 0; i < 5; i++)
        {
            var gram = Product(x, Transposed(x));
            var square = Product(gram, gram);
            var polynomial = new double[gram.GetLength(0), gram.GetLength(0)];
            for (var r = 0; r < gram.GetLength(0); r++)
                for (var c = 0; c < gram.GetLength(0); c++) polynomial[r, c] = -4.7750 * gram[r, c] + 2.0315 * square[r, c];
            var moved = Product(polynomial, x);
            for (var r = 0; r < x.GetLength(0); r++)
                for (var c = 0; c < x.GetLength(1); c++) x[r, c] = 3.4445 * x[r, c] + moved[r, c];
        }
        if (isTall) x = Transposed(x);
        return [.. x.Cast<double>()];
    }

    private static double[,] Transposed(double[,] a)
    {
        var result = new double[a.GetLength(1), a.GetLength(0)];
        for (var r = 0; r < a.GetLength(0); r++) for (var c = 0; c < a.GetLength(1); c++) result[c, r] = a[r, c];
        return result;
    }

    private static double[,] Product(double[,] a, double[,] b)
    {
        var result = new double[a.GetLength(0), b.GetLength(1)];
        for (var r = 0; r < a.GetLength(0); r++)
            for (var c = 0; c < b.GetLength(1); c++)
                for (var k = 0; k < b.GetLength(0); k++) result[r, c] += a[r, k] * b[k, c];
        return result;
    }
}
