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
    internal const int Steps = 12;

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
                        // A generator of its own: libtorch's common one is drawn from by tests that run at the same time.
                        using var generator = new torch.Generator((ulong)(10 * step + part));
                        foreach (var spec in store.Specs)
                            store[spec.Name].grad = torch.randn(spec.Shape, generator: generator).to(store[spec.Name].dtype);
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

    internal static void Give(ParameterStore store, float[] gradients, int step, long[] shape)
    {
        var size = (int)store.Count;
        using var gradient = torch.tensor(gradients.AsSpan(step * size, size).ToArray(), shape);
        store["w"].grad = gradient;
        store.TakeGradients(first: true);
    }

    internal static float[] Golden(string name)
    {
        using var golden = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Training", "Goldens", "torch_optim.safetensors"));
        var values = new float[golden.Find(name)!.Elements];
        golden.Read(name, values);
        return values;
    }
}
