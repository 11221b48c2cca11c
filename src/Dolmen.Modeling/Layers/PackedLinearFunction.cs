// N rows, D inputs, F outputs
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>apply(x (…, D), weight (F, D), bias (F) or false) → (…, F), in fp32 by our own products.</summary>
internal sealed class PackedLinearFunction : autograd.SingleTensorFunction<PackedLinearFunction>
{
    private static readonly LinearProducts Products = new(Packed: true);

    public override string Name => "packed_linear";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, weight, bias) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], vars[2] as Tensor);
        var rows = x.view(-1, x.shape[^1]);                                     // (N, D)
        ctx.save_for_backward([rows, weight]);
        ctx.save_data("shape", x.shape);
        ctx.save_data("hasBias", bias is not null);
        // Asked of the arguments: a copy that is made here does not know that gradients are wanted.
        ctx.save_data("learns", (((Tensor)vars[0]).requires_grad, weight.requires_grad, bias?.requires_grad ?? false));
        return Products.Outputs(rows, weight, bias).view([.. x.shape[..^1], weight.shape[0]]);          // (…, F)
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var shape = (long[])ctx.get_data("shape");
        var (inputLearns, weightLearns, biasLearns) = ((bool, bool, bool))ctx.get_data("learns");
        var hasBias = (bool)ctx.get_data("hasBias");
        return BackwardGuard.Run(ctx, 3, [grad_output], saved =>
        {
            var (rows, weight) = (saved[0], saved[1]);
            var dy = grad_output.contiguous().view(-1, weight.shape[0]);        // (N, F)
            // Zeros, not null, for what learns nothing: TorchSharp would make them from an argument that may be gone by now.
            return
            [
                inputLearns ? Products.InputGradient(dy, weight).view(shape) : zeros(shape),
                weightLearns ? Products.WeightGradient(dy, rows) : zeros_like(weight),
                !hasBias ? null : biasLearns ? dy.sum([0]) : zeros(weight.shape[0]),
            ];
        });
    }
}
