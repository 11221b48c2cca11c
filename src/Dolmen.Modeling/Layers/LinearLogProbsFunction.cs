// N rows, D model, V vocab
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>
/// apply(x (N, D), head (V, D), targets (N) int64, LinearProducts) → log p(target) of each row, (N) fp32. The logits are computed a chunk
/// at a time and again on the way back: what each row's gradient is worth is known only then, and keeping them would cost N·V.
/// </summary>
internal sealed unsafe class LinearLogProbsFunction : autograd.SingleTensorFunction<LinearLogProbsFunction>
{
    private const long ChunkRows = 512;

    public override string Name => "linear_log_probs";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, head, targets) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], ((Tensor)vars[2]).contiguous());
        var products = (LinearProducts)vars[3];
        var rows = x.shape[0];
        var logProbs = empty(rows);                                             // (N) fp32
        for (long start = 0; start < rows; start += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var end = Math.Min(rows, start + ChunkRows);
            var logits = products.Outputs(x.slice(0, start, end, 1), head);     // (C, V)
            var wanted = TensorMemory.Pointer<long>(targets) + start;
            var to = TensorMemory.Pointer<float>(logProbs) + start;
            if (logits.dtype is ScalarType.BFloat16)
                CrossEntropyKernel.LogProbs(TensorMemory.Pointer<Bf16>(logits), wanted, to, end - start, (int)head.shape[0]);
            else
                CrossEntropyKernel.LogProbs(TensorMemory.Pointer<float>(logits), wanted, to, end - start, (int)head.shape[0]);
        }
        ctx.save_for_backward([x, head, targets]);
        ctx.save_data("products", products);
        return logProbs;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var products = (LinearProducts)ctx.get_data("products");
        return BackwardGuard.Run(
            ctx,
            4,
            [grad_output],
            saved =>
            {
                var (x, head, targets) = (saved[0], saved[1], saved[2]);
                var gradients = grad_output.contiguous(); // (N) fp32
                var rows = x.shape[0];
                var dx = empty_like(x); // (N, D)
                var dhead = zeros_like(head); // (V, D)
                for (long start = 0; start < rows; start += ChunkRows)
                {
                    using var scope = NewDisposeScope();
                    var end = Math.Min(rows, start + ChunkRows);
                    var chunk = x.slice(0, start, end, 1); // (C, D)
                    var logits = products.Outputs(chunk, head); // (C, V), their gradient once the kernel has run
                    var wanted = TensorMemory.Pointer<long>(targets) + start;
                    var worth = TensorMemory.Pointer<float>(gradients) + start;
                    if (logits.dtype is ScalarType.BFloat16)
                        CrossEntropyKernel.LogProbsGradient(
                            TensorMemory.Pointer<Bf16>(logits),
                            wanted,
                            worth,
                            end - start,
                            (int)head.shape[0]
                        );
                    else
                        CrossEntropyKernel.LogProbsGradient(
                            TensorMemory.Pointer<float>(logits),
                            wanted,
                            worth,
                            end - start,
                            (int)head.shape[0]
                        );
                    dx.slice(0, start, end, 1).copy_(products.InputGradient(logits, head));
                    products.AddWeightGradient(dhead, logits, chunk);
                }
                return [dx, dhead, null, null];
            }
        );
    }
}
