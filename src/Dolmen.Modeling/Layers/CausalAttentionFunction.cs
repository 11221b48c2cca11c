// B batch, T sequence, H heads, K kv-heads, E head dim
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(q (B, H, T, E), k (B, K, T, E), v (B, K, T, E), WholeScores) → (B, T, H·E).</summary>
internal sealed class CausalAttentionFunction : autograd.SingleTensorFunction<CausalAttentionFunction>
{
    public override string Name => "causal_attention";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (q, k, v, scores) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (WholeScores)vars[3]);
        var (p, y) = scores.Forward(q, k, v);
        ctx.save_for_backward([q, k, v, p]);
        ctx.save_data("scores", scores);
        return y;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var scores = (WholeScores)ctx.get_data("scores");
        return BackwardGuard.Run(ctx, 4, [grad_output], saved =>
        {
            var (dq, dk, dv) = scores.Backward(saved[0], saved[1], saved[2], saved[3], grad_output);
            return [dq, dk, dv, null];
        });
    }
}
