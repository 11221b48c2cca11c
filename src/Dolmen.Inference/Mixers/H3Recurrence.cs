// D model, H heads, E head dim (= D / H)
namespace Dolmen.Inference.Mixers;

/// <summary>H3 between its projections, one token at a time (Fu et al. 2023, algorithm 1): k through the shift state space, its outer
/// products with v through E·E copies of the diagonal one, picked by q.</summary>
public sealed class H3Recurrence(ShiftRecurrence shift, StateSpaceRecurrence memory, int dModel, int heads)
{
    private readonly int _headDim = dModel / heads;

    /// <summary>Numbers of state a sequence holds.</summary>
    public int StateSize => shift.StateSize + _headDim * _headDim * memory.StateSize;

    /// <summary>One step: q, k, v and y (D) each; <paramref name="position"/> counts the tokens before this one. In q, k and v the head is
    /// the slower index, in y the faster one, as in the authors' code.</summary>
    public void Step(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, Span<float> state, int position, Span<float> y)
    {
        Span<float> keys = new float[dModel], pairs = new float[heads], remembered = new float[heads];
        shift.Step(k, state[..shift.StateSize], position, keys);
        y.Clear();
        var rest = state[shift.StateSize..];
        for (var i = 0; i < _headDim; i++)
        {
            for (var j = 0; j < _headDim; j++)
            {
                for (var h = 0; h < heads; h++) pairs[h] = keys[h * _headDim + i] * v[h * _headDim + j];
                memory.Step(pairs, rest.Slice((i * _headDim + j) * memory.StateSize, memory.StateSize), remembered);
                for (var h = 0; h < heads; h++) y[j * heads + h] += q[h * _headDim + i] * remembered[h];
            }
        }
    }
}
