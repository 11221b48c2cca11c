// N rows, D model, V vocab
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>
/// apply(x (N, D), head (V, D), targets (N) int64, double scale, LinearProducts) → scalar fp32. The logits exist one chunk of rows at a
/// time; their gradient is written over them at once, so that the forward pass already holds both gradients.
/// </summary>
internal sealed unsafe class LinearCrossEntropyFunction : autograd.SingleTensorFunction<LinearCrossEntropyFunction>
{
    private const long ChunkRows = 512;

    public override string Name => "linear_cross_entropy";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, head, targets, scale) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], ((Tensor)vars[2]).contiguous(), (double)vars[3]);
        var products = (LinearProducts)vars[4];
        var rows = x.shape[0];
        var dx = empty_like(x);                                                 // (N, D)
        Tensor? dhead = null;
        var loss = 0.0;
        for (long start = 0; start < rows; start += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var end = Math.Min(rows, start + ChunkRows);
            var chunk = x.slice(0, start, end, 1);                              // (C, D)
            var logits = products.Outputs(chunk, head);                         // (C, V)
            loss += Gradient(logits, targets.slice(0, start, end, 1), (float)scale);
            products.SetInputGradient(dx.slice(0, start, end, 1), logits, head);
            if (dhead is null) dhead = products.WeightGradient(logits, chunk).MoveToOuterDisposeScope();      // (V, D)
            else products.AddWeightGradient(dhead, logits, chunk);
        }
        ctx.save_for_backward([dx, dhead ?? zeros_like(head)]);
        return tensor((float)(loss * scale));
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        return BackwardGuard.Run(ctx, 5, [grad_output], saved =>
        {
            var (dx, dhead) = (saved[0], saved[1]);
            var factor = grad_output.item<float>();
            return factor == 1 ? [dx, dhead, null, null, null] : [dx * factor, dhead * factor, null, null, null];
        });
    }

    private static double Gradient(Tensor logits, Tensor targets, float scale)
    {
        var (rows, vocab) = (logits.shape[0], (int)logits.shape[1]);
        var wanted = TensorMemory.Pointer<long>(targets);
        return logits.dtype is ScalarType.BFloat16
            ? CrossEntropyKernel.LossAndGradient(TensorMemory.Pointer<Bf16>(logits), wanted, rows, vocab, scale)
            : CrossEntropyKernel.LossAndGradient(TensorMemory.Pointer<float>(logits), wanted, rows, vocab, scale);
    }
}
