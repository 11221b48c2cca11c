using System.Runtime.InteropServices;
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Mixers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Parameters, inputs, outputs and gradients of other people's S4, S4D and H3 (state-spaces/s4 and HazyResearch/H3, run with
/// PyTorch 2.6): one file of Goldens/state_space.</summary>
internal sealed class StateSpaceGolden : IDisposable
{
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, Tensor> _leaves = new(StringComparer.Ordinal);

    public StateSpaceGolden(string name, ScalarType type)
    {
        _file = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Modeling", "Goldens", "state_space", $"{name}.safetensors"));
        Type = type;
    }

    public ScalarType Type { get; }

    public double[] Values(string name)
    {
        var entry = _file.Find(name) ?? throw new ArgumentException($"no tensor {name}", nameof(name));
        var bytes = new byte[entry.End - entry.Begin];
        _file.ReadBytes(name, 0, bytes);
        return entry.Dtype == "F64"
            ? MemoryMarshal.Cast<byte, double>(bytes).ToArray()
            : [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(x => (double)x)];
    }

    public float[] Floats(string name) => [.. Values(name).Select(x => (float)x)];

    public Tensor this[string name] => tensor(Values(name)).view([.. _file.Find(name)!.Shape]).to(Type);

    /// <summary>A parameter that collects gradients.</summary>
    public Tensor Parameter(string name)
    {
        if (!_leaves.TryGetValue(name, out var leaf)) _leaves[name] = leaf = this[$"param.{name}"].requires_grad_(true);
        return leaf;
    }

    /// <summary>The system under a prefix such as "kernel."; the repository writes A = −exp(A_real) − i·A_imag.</summary>
    public DiagonalSystem System(string prefix = "kernel.") =>
        new(
            Parameter($"{prefix}A_real"),
            Parameter($"{prefix}A_imag").neg(),
            Parameter($"{prefix}inv_dt").squeeze(-1),
            Parameter($"{prefix}B").squeeze(0),
            Parameter($"{prefix}C")
        );

    /// <summary>Back from the output's cotangent; every parameter used must have the golden's gradient, to a part of the largest
    /// element.</summary>
    public void CheckGradients(Tensor output, double tolerance)
    {
        (output * this["output_cotangent"]).sum().backward();
        BackwardGuard.ThrowIfFailed();
        foreach (var (name, leaf) in _leaves) Check($"grad.{name}", leaf.grad!, tolerance, relative: true);
    }

    public void Check(string name, Tensor actual, double tolerance, bool relative = false)
    {
        using var scope = NewDisposeScope();
        var expected = tensor(Values(name)).view([.. _file.Find(name)!.Shape]);
        Assert.Equal(expected.shape, actual.shape);
        var worst = (actual.to(ScalarType.Float64) - expected).abs().max().item<double>();
        if (relative) worst /= Math.Max(1e-3, expected.abs().max().item<double>());
        Measured(name, worst);
        Assert.True(worst <= tolerance, $"{name}: error {worst:E2}, allowed {tolerance:E2}");
    }

    public void Dispose() => _file.Dispose();

    private static void Measured(string name, double error) => TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {error:E2}");
}
