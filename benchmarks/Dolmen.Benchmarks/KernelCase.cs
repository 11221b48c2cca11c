// B batch, T sequence, N rows (= B·T), D model, H heads, E head dim, F feed-forward, V vocab, I inner channels, K kernel width, P head dim
// of the scan
using Dolmen.Training.Optimizers;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Benchmarks;

/// <summary>One forward and backward pass each; <paramref name="Release"/> frees what no scope does.</summary>
internal sealed record KernelRace(Action Ours, Action Theirs, Action? Release = null);

/// <param name="Rival">What ours is measured against.</param>
/// <param name="Prepare">Makes inputs of a type; they live as long as the caller's scope.</param>
internal sealed record KernelCase(string Name, string Size, string Rival, Func<ScalarType, KernelRace> Prepare)
{
    private const double Epsilon = 1e-5;

    /// <summary>The registration list.</summary>
    public static IReadOnlyList<KernelCase> All { get; } =
    [
        Layer(
            "selective scan",
            "B 4 T 512 I 512 N 16",
            "libtorch, a step at a time",
            (math, x) => math.SelectiveScan(x[0], x[1], x[2], x[3], x[4], x[5], x[6]),
            type =>
                [
                    Draw(type, 4, 512, 512),
                    Draw(type, 4, 512, 512) - 3,
                    Weight(512, 16),
                    Draw(type, 4, 512, 16),
                    Draw(type, 4, 512, 16),
                    Weight(512),
                    Draw(type, 4, 512, 512),
                ]
        ),
        Layer(
            "causal convolution + SiLU",
            "B 8 T 512 I 512 K 4",
            "libtorch conv1d",
            (math, x) => math.CausalConv1d(x[0], x[1], x[2], silu: true),
            ConvolveInLibtorch,
            type => [Draw(type, 8, 512, 512), Weight(512, 4), Weight(512)]
        ),
        Layer(
            "state-space dual",
            "B 4 T 512 H 8 P 64 N 64",
            "libtorch, a step at a time",
            (math, x) => math.StateSpaceDual(x[0], x[1], x[2], x[3], x[4], x[5]),
            type =>
                [
                    Draw(type, 4, 512, 8, 64),
                    Weight(4, 512, 8).abs() * 0.1,
                    Weight(8),
                    Draw(type, 4, 512, 1, 64),
                    Draw(type, 4, 512, 1, 64),
                    Weight(8),
                ]
        ),
        Layer(
            "gated RMSNorm",
            "N 4096 D 512",
            "libtorch",
            (math, x) => math.GatedRmsNorm(x[0], x[1], x[2], Epsilon),
            type => [Draw(type, 4096, 512), Draw(type, 4096, 512), Weight(512)]
        ),
        Layer(
            "S4D kernel, power sums",
            "H 256 N 32 L 1024",
            "libtorch, whole Vandermonde matrix",
            (math, x) => math.PowerSums(x[0], x[1], 1024),
            _ => [Weight(1, 256, 32, 2), Rates(256, 32)]
        ),
        Layer(
            "S4 kernel, Cauchy sums",
            "P 4 H 256 N 32 L 1024",
            "libtorch, whole Cauchy matrix",
            (math, x) => math.CauchySums(x[0], x[1], 1024),
            _ => [Weight(4, 256, 32, 2), Rates(256, 32)]
        ),
        Layer(
            "RMSNorm",
            "N 4096 D 512",
            "libtorch",
            (math, x) => math.RmsNorm(x[0], x[1], Epsilon),
            type => [Draw(type, 4096, 512), Weight(512)]
        ),
        new("rotary + split into heads", "B 8 T 256 H 8 E 64", "libtorch", Rotary),
        Layer("SwiGLU", "N 2048 F 1408", "libtorch", (math, x) => math.SwiGlu(x[0]), type => [Draw(type, 2048, 2816)]),
        Layer(
            "linear + cross-entropy",
            "N 2048 D 256 V 8192",
            "libtorch, whole logits",
            (math, x) => math.CrossEntropy(x[0], x[1], x[2], 1.0 / 2048),
            type => [Draw(type, 2048, 256), Draw(type, 8192, 256) * 0.05, randint(0, 8192, [2048], ScalarType.Int64)]
        ),
        new("causal attention", "B 8 T 256 H 8 E 64", "libtorch scaled_dot_product_attention", Attention),
        new("AdamW step", "10 M parameters", "TorchSharp optim.AdamW", AdamW),
    ];

    private static KernelCase Layer(
        string name,
        string size,
        string rival,
        Func<LayerMath, Tensor[], Tensor> run,
        Func<ScalarType, Tensor[]> inputs
    ) => Layer(name, size, rival, run, x => run(new PlainMath(), x), inputs);

    private static KernelCase Layer(
        string name,
        string size,
        string rival,
        Func<LayerMath, Tensor[], Tensor> run,
        Func<Tensor[], Tensor> libtorch,
        Func<ScalarType, Tensor[]> inputs
    ) =>
        new(
            name,
            size,
            rival,
            type =>
            {
                var x = inputs(type);
                var ours = new FusedMath();
                return new(() => ForwardAndBackward(x, () => run(ours, x)), () => ForwardAndBackward(x, () => libtorch(x)));
            }
        );

    private static void ForwardAndBackward(Tensor[] inputs, Func<Tensor> run)
    {
        foreach (var input in inputs.Where(input => input.is_floating_point())) input.requires_grad_(true);
        var y = run();
        if (y.dim() == 0) y.backward();
        else y.backward([y.detach()]);
        BackwardGuard.ThrowIfFailed();
        foreach (var input in inputs) input.grad = null;
    }

    private static Tensor Draw(ScalarType type, params long[] shape) => randn(shape).to(type);

    private static Tensor Weight(params long[] shape) => randn(shape);

    private static Tensor Rates(long features, long state) =>
        stack([rand(features, state) * -0.05 - 1e-3, (rand(features, state) - 0.5) * 6], -1);

    private static Tensor ConvolveInLibtorch(Tensor[] x)
    {
        var padded = functional.pad(x[0].transpose(1, 2), [3, 0]);                               // (B, I, 3+T)
        var y = functional.conv1d(padded, x[1].to(x[0].dtype).unsqueeze(1), x[2].to(x[0].dtype), groups: x[1].shape[0]);       // (B, I, T)
        return functional.silu(y).transpose(1, 2);                                               // (B, T, I)
    }

    private static KernelRace Rotary(ScalarType type)
    {
        var layout = new HeadLayout(8, 256, 8, 8, 64);
        var qkv = Draw(type, 8, 256, layout.RowWidth);                                           // (B, T, 3·H·E)
        using var table = new RotaryTable(256, 64, 10000);
        var cosSin = table.For(256).clone();                                                       // (T, 2, E/2)
        var angles = cosSin.to(type);
        var (cos, sin) = (angles.select(1, 0).unsqueeze(1), angles.select(1, 1).unsqueeze(1));  // (T, 1, E/2)
        Tensor Turn(Tensor heads)
        {
            var halves = heads.chunk(2, -1);                                                     // 2 × (B, T, H, E/2)
            // (B, H, T, E)
            return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1).transpose(1, 2).contiguous();
        }
        void Race(Func<IReadOnlyList<Tensor>> split)
        {
            qkv.requires_grad_(true);
            var parts = split();
            autograd.backward([.. parts], [.. parts.Select(part => part.detach())]);
            BackwardGuard.ThrowIfFailed();
            qkv.grad = null;
        }
        return new(
            () => Race(() => RotaryFunction.apply(qkv, cosSin, layout, false)),
            () => Race(() =>
            {
                var parts = qkv.view(8, 256, 24, 64).chunk(3, 2);                                // 3 × (B, T, H, E)
                return [Turn(parts[0]), Turn(parts[1]), parts[2].transpose(1, 2).contiguous()];
            }));
    }

    private static KernelRace Attention(ScalarType type)
    {
        Tensor[] x = [Draw(type, 8, 8, 256, 64), Draw(type, 8, 8, 256, 64), Draw(type, 8, 8, 256, 64)];
        var scores = new WholeScores(Heads: 8, Slopes: null, Window: int.MaxValue, Segments: null);
        return new(
            () => ForwardAndBackward(x, () => CausalAttentionFunction.apply(x[0], x[1], x[2], scores)),
            () =>
                ForwardAndBackward(
                    x,
                    () => functional.scaled_dot_product_attention(x[0], x[1], x[2], is_casual: true).transpose(1, 2).reshape(8, 256, 512)
                )
        );
    }

    /// <summary>bf16: ours keeps the rounded copy as well and takes bf16 gradients; the rival stays in fp32, as TorchSharp has no master
    /// weights.</summary>
    private static KernelRace AdamW(ScalarType type)
    {
        const int Matrices = 40,
            Side = 512;
        var store = new ParameterStore(
            [
                .. Enumerable
                    .Range(0, Matrices)
                    .Select(i => new ParameterSpec($"w{i}", [Side, Side], ParameterGroup.Matrix, Initializers.Normal(0.02))),
            ],
            Compute.Host(type is ScalarType.BFloat16)
        );
        store.Initialize(1);
        var stepper = new AdamWRecipe(1e-3).Build(store);
        var rivals = Enumerable.Range(0, Matrices).Select(_ => new TorchSharp.Modules.Parameter(randn(Side, Side) * 0.02)).ToArray();
        var optimizer = optim.AdamW(rivals, 1e-3, 0.9, 0.95, 1e-8, 0.1);
        var gradients = Enumerable.Range(0, Matrices).Select(_ => randn(Side, Side) * 0.01).ToArray();
        var ours = gradients.Select(gradient => gradient.to(type)).ToArray();
        var step = 0;
        return new(
            () =>
            {
                for (var i = 0; i < Matrices; i++) store[$"w{i}"].grad = ours[i];
                store.TakeGradients(first: true);
                stepper.Step(++step, 1, 1);
            },
            () =>
            {
                for (var i = 0; i < Matrices; i++) rivals[i].grad = gradients[i];
                optimizer.step();
            },
            () =>
            {
                stepper.Dispose();
                store.Dispose();
                optimizer.Dispose();
            });
    }
}
