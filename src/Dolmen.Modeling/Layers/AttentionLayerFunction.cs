// B batch, T sequence, N rows (= B·T), D model, H heads, K kv-heads, E head dim
using Dolmen.Modeling.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (B, T, D), qkv ((H+2K)·E, D), output (D, H·E), cosSin (T, 2, E/2) or empty to turn nothing, HeadLayout, WholeScores,
/// LinearProducts) → (B, T, D): attention with both projections as one node, which spares libtorch's bookkeeping of ten.</summary>
internal sealed class AttentionLayerFunction : autograd.SingleTensorFunction<AttentionLayerFunction>
{
    public override string Name => "attention_layer";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (x, qkv, output, cosSin) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);
        var (layout, scores, products) = ((HeadLayout)vars[4], (WholeScores)vars[5], (LinearProducts)vars[6]);
        var rows = x.view(-1, x.shape[^1]);                                     // (N, D)
        var fused = products.Outputs(rows, qkv);                                // (N, (H+2K)·E)
        var heads = RotaryFunction.Split(fused, cosSin, scores.Segments, layout);         // (B, H, T, E), 2 × (B, K, T, E)
        var (p, y) = scores.Forward(heads[0], heads[1], heads[2]);              // (B·K, G·T, T), (B, T, H·E)
        var merged = y.view(-1, y.shape[^1]);                                   // (N, H·E)
        ctx.save_for_backward([rows, qkv, output, cosSin, .. heads, p, merged]);
        ctx.save_data("layout", layout);
        ctx.save_data("scores", scores);
        ctx.save_data("products", products);
        // Asked of the arguments: a copy that is made here does not know that gradients are wanted.
        ctx.save_data("learns", (((Tensor)vars[0]).requires_grad, qkv.requires_grad, output.requires_grad));
        return products.Outputs(merged, output).view(x.shape);                  // (B, T, D)
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (layout, scores) = ((HeadLayout)ctx.get_data("layout"), (WholeScores)ctx.get_data("scores"));
        var products = (LinearProducts)ctx.get_data("products");
        var (inputLearns, qkvLearns, outputLearns) = ((bool, bool, bool))ctx.get_data("learns");
        return BackwardGuard.Run(ctx, 7, [grad_output], saved =>
        {
            var (rows, qkv, output, cosSin, merged) = (saved[0], saved[1], saved[2], saved[3], saved[8]);
            var dy = grad_output.contiguous().view(-1, output.shape[0]);        // (N, D)
            var dMerged = products.InputGradient(dy, output);                   // (N, H·E)
            var (dq, dk, dv) = scores.Backward(saved[4], saved[5], saved[6], saved[7], dMerged.view(layout.Batch, layout.Length, -1));
            var dFused = RotaryFunction.Merge([dq, dk, dv], cosSin, scores.Segments, layout).view(-1, layout.RowWidth);     // (N, (H+2K)·E)
            // Zeros, not null, for what learns nothing: TorchSharp would make them from an argument that may be gone by now.
            return
            [
                (inputLearns ? products.InputGradient(dFused, qkv) : zeros_like(rows)).view(grad_output.shape[0], grad_output.shape[1], -1),
                qkvLearns ? products.WeightGradient(dFused, rows) : zeros_like(qkv),
                outputLearns ? products.WeightGradient(dy, merged) : zeros_like(output),
                null, null, null, null,
            ];
        });
    }
}
