// T positions, H heads, K kv-heads, E head dim
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>Who looks at whom and how positions enter: everything about causal attention but the weights.</summary>
/// <param name="Rotary">Angles by position; null turns nothing.</param>
/// <param name="Slopes">ALiBi's, (H) fp32; null subtracts nothing.</param>
/// <param name="Window">Positions a query sees, itself included; null sees all before it.</param>
public sealed record AttentionPattern(
    int Heads,
    int KvHeads,
    int HeadDim,
    RotaryTable? Rotary = null,
    Tensor? Slopes = null,
    int? Window = null
) : IDisposable
{
    public static AttentionPattern Of(AttentionSpec spec, int contextLength) => new(
        spec.Heads, spec.KvHeads, spec.HeadDim,
        spec.Position is RotaryPosition rotary
            ? new RotaryTable(contextLength, spec.HeadDim, rotary) : null,
        spec.Position is AlibiPosition ? tensor(AlibiPosition.Slopes(spec.Heads)).DetachFromDisposeScope() : null, spec.Window);

    /// <summary>Whether a query sees all before it alike, which libtorch's own kernels can do.</summary>
    public bool IsPlain(long length) => Slopes is null && (Window is null || Window >= length);

    /// <summary>What is added to scores, (1 or H, T, T): −slope·distance, −∞ where a query must not look.</summary>
    public Tensor Bias(long length, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var positions = arange(length, dtype: ScalarType.Float32, device: device);
        var distance = positions.unsqueeze(1) - positions.unsqueeze(0);                         // (T, T), query minus key
        var bias = Slopes is null
            ? zeros(1, length, length, device: device)
            : distance.unsqueeze(0) * Slopes.to(device).view(-1, 1, 1) * -1;                    // (H, T, T)
        var hidden = distance.lt(0);
        if (Window is { } window) hidden = hidden.logical_or(distance.ge(window));
        return bias.Hide(hidden.unsqueeze(0)).to(type).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Rotary?.Dispose();
        Slopes?.Dispose();
    }
}
