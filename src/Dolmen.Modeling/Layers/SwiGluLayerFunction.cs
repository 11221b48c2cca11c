// N rows (= B·T), D model, F feed-forward
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (N, D), gateUp (2F, D), down (D, F), LinearProducts) → (N, D): both projections and the gate between them as one node,
/// which spares libtorch's bookkeeping of five.</summary>
internal sealed class SwiGluLayerFunction : autograd.SingleTensorFunction<SwiGluLayerFunction>
{
    public override string Name => "swiglu_layer";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        BackwardGuard.Begin(ctx);
        var (x, gateUp, down, products) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2], (LinearProducts)vars[3]);
        var wide = products.Outputs(x, gateUp);                                 // (N, 2F)
        var gated = SwiGluFunction.Outputs(wide);                               // (N, F)
        ctx.save_for_backward([x, gateUp, down, wide, gated]);
        ctx.save_data("products", products);
        // Asked of the arguments: a copy that is made here does not know that gradients are wanted.
        ctx.save_data("learns", (((Tensor)vars[0]).requires_grad, gateUp.requires_grad, down.requires_grad));
        return products.Outputs(gated, down);                                   // (N, D)
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var products = (LinearProducts)ctx.get_data("products");
        var (inputLearns, gateUpLearns, downLearns) = ((bool, bool, bool))ctx.get_data("learns");
        return BackwardGuard.Run(ctx, 4, [grad_output], saved =>
        {
            var (x, gateUp, down, wide, gated) = (saved[0], saved[1], saved[2], saved[3], saved[4]);
            var dy = grad_output.contiguous();                                  // (N, D)
            var dGated = products.InputGradient(dy, down);                      // (N, F)
            var dWide = SwiGluFunction.InputGradient(wide, dGated);             // (N, 2F)
            // Zeros, not null, for what learns nothing: TorchSharp would make them from an argument that may be gone by now.
            return
            [
                inputLearns ? products.InputGradient(dWide, gateUp) : zeros_like(x),
                gateUpLearns ? products.WeightGradient(dWide, x) : zeros_like(gateUp),
                downLearns ? products.WeightGradient(dy, gated) : zeros_like(down),
                null,
            ];
        });
    }
}
