// B batch, T sequence, D model, H heads, E head dim (= D / H), N shift state, L kernel length
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

/// <summary>H3 between its projections (Fu et al. 2023, algorithm 1): k remembered by a shift state space, its product with v by a
/// diagonal one, the answer picked by q.</summary>
public static class H3Gates
{
    /// <summary>q, k, v (B, T, D), shift (1, D, N) with its skip (1, D), kernel (1, H, L) with its skip (1, H) → (B, T, D). A head of E
    /// dimensions keeps the E×E outer products of k and v. As in the authors' code the head is the slower index of q, k and v and the
    /// faster one of the result.</summary>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, Tensor shift, Tensor shiftSkip, Tensor kernel, Tensor skip)
    {
        using var scope = NewDisposeScope();
        var (b, t, d, h) = (q.shape[0], q.shape[1], q.shape[2], kernel.shape[1]);
        if (d % h != 0) throw new ArgumentException($"{h} heads of {d} dimensions: the heads must divide them.", nameof(kernel));
        var e = d / h;
        Tensor Heads(Tensor x) => x.reshape(b, t, h, e).permute(0, 3, 1, 2);       // (B, E, T, H)
        var keys = Heads(LongConvolution.Apply(k, shift, shiftSkip)).unsqueeze(2);              // (B, E, 1, T, H)
        var pairs = (keys * Heads(v).unsqueeze(1)).reshape(b * e * e, t, h);    // (B·E·E, T, H)
        var remembered = LongConvolution.Apply(pairs, kernel, skip).view(b, e, e, t, h);        // (B, E, E, T, H)
        var picked = (remembered * Heads(q).unsqueeze(2)).sum(1);               // (B, E, T, H)
        return picked.permute(0, 2, 1, 3).reshape(b, t, d).MoveToOuterDisposeScope();           // (B, T, D)
    }
}
