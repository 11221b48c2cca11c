using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Training.Optimizers;
using TorchSharp;

namespace Dolmen.Tests.Training;

/// <summary>Twelve steps on fixed gradients against torch 2.6, and against plain loops in double where torch has no such
/// optimizer.</summary>
public class OptimizerTests
{
    private const int Steps = 12;

    public static TheoryData<string, OptimizerRecipe> Torch => new()
    {
        { "adamw", new AdamWRecipe(0.01, 0.1, 0.9, 0.95, 1e-8) },
        { "sgd", new SgdRecipe(0.1, Momentum: 0) },
        { "sgd_momentum_nesterov", new SgdRecipe(0.05, 0.01, 0.9, Nesterov: true) },
        { "sgd_momentum_dampening", new SgdRecipe(0.05, 0, 0.9, Dampening: 0.3) },
    };

    [Theory, MemberData(nameof(Torch))]
    public void Steps_match_torch(string name, OptimizerRecipe recipe)
    {
        foreach (var compute in new[] { Compute.Host(), Compute.Torch() })
        foreach (var (tensor, shape) in new[] { ("w", new long[] { 6, 5 }), ("b", [1, 6]) })
        {
            var expected = Golden($"{tensor}.{name}");
            Run(recipe, Golden($"{tensor}0"), Golden($"grads_{tensor}"), shape, compute, (step, weights) =>
            {
                for (var i = 0; i < weights.Length; i++) Assert.Equal(expected[step * weights.Length + i], weights[i], 3e-6);
            });
        }
    }

    public static TheoryData<OptimizerRecipe> Every =>
    [
        new AdamWRecipe(0.01), new LionRecipe(0.003), new SgdRecipe(0.05, 0.01, 0.9, Nesterov: true), new ScheduleFreeRecipe(0.01),
        new MuonRecipe(0.02, 0.01),
    ];

    /// <summary>A model of every group of parameters, several steps, a step's gradients in two parts.</summary>
    [Theory, MemberData(nameof(Every))]
    public void Libtorch_operations_step_as_our_kernels_do(OptimizerRecipe recipe)
    {
        foreach (var bfloat16 in new[] { false, true })
        {
            using var host = new LanguageDecoder(SmallModels.All["hybrid-long"], Compute.Host(bfloat16));
            using var torchOnly = new LanguageDecoder(SmallModels.All["hybrid-long"], Compute.Torch(bfloat16));
            float[][] Weights(LanguageDecoder model) => [.. model.Parameters.Specs.Select(spec => model.Parameters.Read(spec.Name))];
            var states = new List<float[][]>();
            foreach (var model in new[] { host, torchOnly })
            {
                using var scope = torch.NewDisposeScope();
                var store = model.Parameters;
                store.Initialize(3);
                using var optimizer = recipe.Build(store);
                var norms = new List<float>();
                for (var step = 1; step <= 4; step++)
                {
                    for (var part = 0; part < 2; part++)
                    {
                        torch.manual_seed(10 * step + part);
                        foreach (var spec in store.Specs) store[spec.Name].grad = torch.randn(spec.Shape).to(store[spec.Name].dtype);
                        store.TakeGradients(first: part == 0);
                    }
                    norms.Add((float)store.GradientNorm());
                    optimizer.Step(step, 0.5 + step / 8.0, 0.7);
                }
                var trained = Weights(model);
                optimizer.BeginEvaluation();
                var evaluated = Weights(model);
                optimizer.EndEvaluation();
                Assert.Equal(trained, Weights(model));
                var copies = store.Specs.Select(spec => store[spec.Name].to(torch.ScalarType.Float32).data<float>().ToArray());
                states.Add([[.. norms], .. trained, .. evaluated, .. copies]);
            }
            foreach (var (ours, theirs) in states[0].Zip(states[1]))
            {
                Assert.Equal(ours.Length, theirs.Length);
                // Muon multiplies in bf16 where the model does, and a rounded copy may fall to the other side.
                for (var i = 0; i < ours.Length; i++) Assert.Equal(ours[i], theirs[i], (bfloat16 ? 8e-3 : 3e-5) * (1 + Math.Abs(ours[i])));
            }
        }
    }

    [Fact]
    public void Without_host_memory_nothing_is_read_in_place()
    {
        using var model = new LanguageDecoder(SmallModels.All["llama"], Compute.Torch());
        Assert.Throws<InvalidOperationException>(() => model.Parameters.Weights("model.norm.weight").Length);
        Assert.Throws<InvalidOperationException>(() => model.Parameters.Gradient.Length);
        Assert.Equal(36, model.Parameters.Read("model.norm.weight").Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Parameters.Read("model.norm.weight", 30, 7));
    }

    [Fact]
    public void Lion_follows_its_published_algorithm()
    {
        var (gradients, weights) = (Golden("grads_w"), Golden("w0").Select(weight => (double)weight).ToArray());
        var momentum = new double[weights.Length];
        Run(new LionRecipe(0.01, 0.3, 0.9, 0.99), Golden("w0"), gradients, [6, 5], Compute.Host(), (step, actual) =>
        {
            for (var i = 0; i < weights.Length; i++)
            {
                double g = gradients[step * weights.Length + i];
                weights[i] = weights[i] * (1 - 0.01 * 0.3) - 0.01 * Math.Sign(0.9 * momentum[i] + 0.1 * g);
                momentum[i] = 0.99 * momentum[i] + 0.01 * g;
                Assert.Equal(weights[i], actual[i], 2e-6);
            }
        });
    }

    [Fact]
    public void Schedule_free_AdamW_follows_its_published_algorithm_and_evaluates_the_average()
    {
        const double Rate = 0.02, Decay = 0.1, Beta1 = 0.9, Beta2 = 0.99, Epsilon = 1e-8;
        double Share(int step) => Math.Min(1, (step + 1) / 4.0);
        var gradients = Golden("grads_w");
        var y = Golden("w0").Select(weight => (double)weight).ToArray();
        var (z, x, v) = (y.ToArray(), y.ToArray(), new double[y.Length]);
        var (sum, greatest) = (0.0, 0.0);
        using var store = Store([6, 5], Golden("w0"), Compute.Host());
        using var optimizer = new ScheduleFreeRecipe(Rate, Decay, Beta1, Beta2, Epsilon).Build(store);
        for (var step = 0; step < Steps; step++)
        {
            greatest = Math.Max(greatest, Rate * Share(step));
            sum += greatest * greatest;
            var mix = greatest * greatest / sum;
            for (var i = 0; i < y.Length; i++)
            {
                double g = gradients[step * y.Length + i];
                v[i] = Beta2 * v[i] + (1 - Beta2) * g * g;
                var direction = g / (Math.Sqrt(v[i] / (1 - Math.Pow(Beta2, step + 1))) + Epsilon) + Decay * y[i];
                z[i] -= Rate * Share(step) * direction;
                x[i] = (1 - mix) * x[i] + mix * z[i];
                y[i] = (1 - Beta1) * z[i] + Beta1 * x[i];
            }
            Give(store, gradients, step, [6, 5]);
            optimizer.Step(step + 1, Share(step), 1);
            var trained = store.Weights("w").ToArray();
            for (var i = 0; i < y.Length; i++) Assert.Equal(y[i], trained[i], 5e-6);
            optimizer.BeginEvaluation();
            for (var i = 0; i < y.Length; i++) Assert.Equal(x[i], store.Weights("w")[i], 5e-6);
            optimizer.EndEvaluation();
            Assert.Equal(trained, store.Weights("w").ToArray());
        }
    }

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
        torch.manual_seed(1);
        var update = Muon.NearestOrthogonal(torch.randn(rows, columns), 5, torch.ScalarType.Float32);
        var values = torch.linalg.svdvals(update).data<float>().ToArray();
        Assert.All(values, value => Assert.InRange(value, 0.3f, 1.3f));
        Assert.Equal(Math.Min(rows, columns), values.Length);
    }

    [Fact]
    public void Groups_get_their_own_rates_and_decays_and_frozen_parameters_stay()
    {
        ParameterSpec Spec(string name, ParameterGroup group) => new(name, [2, 2], group, Initializers.Constant(1));
        using var store = new ParameterStore(
            [
                Spec("embed", ParameterGroup.Embedding),
                Spec("layers.0.w", ParameterGroup.Matrix),
                Spec("layers.1.w", ParameterGroup.Matrix),
                Spec("head", ParameterGroup.Head),
                Spec("norm", ParameterGroup.Vector),
                Spec("a", ParameterGroup.StateSpace),
            ],
            Compute.Host()
        );
        store.Initialize(1);
        var recipe = new SgdRecipe(
            0.1,
            0.5,
            0,
            StateSpaceLearningRate: 0.01,
            Groups: new GroupTable(Embedding: new(10, 0), Vector: new(1, 2)),
            Frozen: ["layers.1.*"]
        );
        using var optimizer = recipe.Build(store);
        store.Gradient.Fill(1);
        optimizer.Step(1, 0.5, 1);
        double Weight(string name) => store.Weights(name)[0];
        Assert.Equal(1 - 0.5, Weight("embed"), 1e-6);
        Assert.Equal(1 - 0.05 * 1.5, Weight("layers.0.w"), 1e-6);
        Assert.Equal(1, Weight("layers.1.w"));
        Assert.Equal(1 - 0.05 * 1.5, Weight("head"), 1e-6);
        Assert.Equal(1 - 0.05 * 2, Weight("norm"), 1e-6);
        Assert.Equal(1 - 0.005, Weight("a"), 1e-6);
    }

    private static void Run(
        OptimizerRecipe recipe, float[] start, float[] gradients, long[] shape, Compute compute, Action<int, float[]> check)
    {
        using var store = Store(shape, start, compute);
        using var optimizer = recipe.Build(store);
        for (var step = 0; step < Steps; step++)
        {
            Give(store, gradients, step, shape);
            optimizer.Step(step + 1, 1, 1);
            check(step, store.Read("w"));
        }
    }

    private static ParameterStore Store(long[] shape, float[] start, Compute compute)
    {
        var store = new ParameterStore([new ParameterSpec("w", shape, ParameterGroup.Matrix, Initializers.Constant(0))], compute);
        store.Write("w", start);
        return store;
    }

    private static void Give(ParameterStore store, float[] gradients, int step, long[] shape)
    {
        var size = (int)store.Count;
        using var gradient = torch.tensor(gradients.AsSpan(step * size, size).ToArray(), shape);
        store["w"].grad = gradient;
        store.TakeGradients(first: true);
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

    private static float[] Golden(string name)
    {
        using var golden = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Training", "Goldens", "torch_optim.safetensors"));
        var values = new float[golden.Find(name)!.Elements];
        golden.Read(name, values);
        return values;
    }
}
