// B rows, T sequence
using Dolmen.Modeling;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>Rows of T+1 tokens as model input (B, T) and targets (B, T), both int64; a target of −1 does not count.</summary>
public sealed class TokenBatch
{
    private readonly long[] _inputs, _targets;

    public TokenBatch(int rows, int length)
    {
        (Rows, Length) = (rows, length);
        (_inputs, _targets) = (new long[rows * length], new long[rows * length]);
        Array.Fill(_targets, -1);
    }

    public int Rows { get; }

    public int Length { get; }

    public int Counted => _targets.Count(target => target >= 0);

    /// <param name="tokens">At most T+1; what is missing is padding.</param>
    /// <param name="counts">Whether predicting tokens[i] counts; everything does when empty.</param>
    public void SetRow(int row, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> counts, int pad)
    {
        for (var t = 0; t < Length; t++)
        {
            _inputs[row * Length + t] = t < tokens.Length ? tokens[t] : pad;
            var counted = t + 1 < tokens.Length && (counts.IsEmpty || counts[t + 1]);
            _targets[row * Length + t] = counted ? tokens[t + 1] : -1;
        }
    }

    public Tensor Inputs() => tensor(_inputs, [Rows, Length]);

    public Tensor Targets() => tensor(_targets, [Rows, Length]);

    /// <summary>Forward, backward, gradients taken; returns the loss. Owns nothing afterwards.</summary>
    public double Backward(TrainableModel model, double scale, bool first)
    {
        using var scope = NewDisposeScope();
        var loss = model.Loss(Inputs(), Targets(), scale);
        loss.backward();
        BackwardGuard.ThrowIfFailed();
        model.Parameters.TakeGradients(first);
        return loss.item<float>();
    }
}
