using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>Numbers that a training run carries from step to step: weights, moments, averages. A checkpoint keeps them by name, wherever
/// they lie.</summary>
/// <param name="Read">Copies them to an array of <paramref name="Count"/>.</param>
/// <param name="Write">Takes them from such an array.</param>
public sealed record NamedState(string Name, long Count, Action<Span<float>> Read, Action<ReadOnlySpan<float>> Write)
{
    /// <summary>Numbers in an array of the host.</summary>
    public static NamedState Of(string name, Func<Span<float>> values) =>
        new(name, values().Length, to => values().CopyTo(to), from => from.CopyTo(values()));

    /// <summary>Numbers in a flat fp32 tensor of any device.</summary>
    public static NamedState Of(string name, Tensor flat) =>
        new(name, flat.numel(), to => FlatValues.Read(flat, to), from => FlatValues.Write(flat, from));
}

/// <summary>Numbers between a flat fp32 tensor of any device and an array of the host.</summary>
internal static class FlatValues
{
    public static void Read(Tensor flat, Span<float> to)
    {
        using var scope = NewDisposeScope();
        flat.detach().cpu().contiguous().data<float>().CopyTo(to);
    }

    public static void Write(Tensor flat, ReadOnlySpan<float> from)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        flat.copy_(tensor(from.ToArray()));
    }
}
