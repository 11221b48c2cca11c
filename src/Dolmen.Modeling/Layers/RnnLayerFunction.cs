// B batch, T steps, H state, G gates
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

internal sealed record RnnLoop(bool Lstm, bool Backwards, SequenceLengths? Lengths)
{
    public int Gates => Lstm ? 4 : 3;
}

/// <summary>
/// apply(below (T, B, G·H), state weight (G·H, H), state bias (G·H) fp32, h and c (B, H) fp32, RnnLoop)
/// → (T+2, B, H): the states before, between and after the steps, and the last cell. A second result would need a gradient of its own.
/// One product and one kernel a step; the weight's gradient is one product over all steps. States are kept between the steps, (T+1, B, H).
/// </summary>
internal sealed unsafe class RnnLayerFunction : autograd.SingleTensorFunction<RnnLayerFunction>
{
    public override string Name => "rnn_layer";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (below, weight, bias, loop) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2], (RnnLoop)vars[5]);
        var (steps, b, h) = (below.shape[0], below.shape[1], weight.shape[1]);
        var hs = empty([steps + 1, b, h]);                                      // fp32
        var cs = loop.Lstm ? empty([steps + 1, b, h]) : empty(0);
        var gates = empty([steps, b, 4 * h]);
        var copies = below.dtype is ScalarType.BFloat16 ? empty([steps + 1, b, h], below.dtype) : hs;
        var first = loop.Backwards ? steps : 0;
        hs[first].copy_((Tensor)vars[3]);
        if (loop.Lstm) cs[first].copy_((Tensor)vars[4]);
        if (!ReferenceEquals(copies, hs)) copies[first].copy_((Tensor)vars[3]);
        if (below.dtype is ScalarType.BFloat16) Run<Bf16>(below, weight, bias, hs, cs, gates, copies, loop);
        else Run<float>(below, weight, bias, hs, cs, gates, copies, loop);
        ctx.save_for_backward([weight, hs, cs, gates, copies]);
        ctx.save_data("loop", loop);
        var last = loop.Lstm ? cs[loop.Backwards ? 0 : steps] : zeros(b, h);
        return cat([copies, last.to(below.dtype).unsqueeze(0)], 0);             // (T+2, B, H)
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var loop = (RnnLoop)ctx.get_data("loop");
        return BackwardGuard.Run(ctx, 6, [grad_output], saved =>
        {
            var (weight, hs, cs, gates, copies) = (saved[0], saved[1], saved[2], saved[3], saved[4]);
            var (steps, b, h) = (gates.shape[0], gates.shape[1], weight.shape[1]);
            var output = grad_output.contiguous();                              // (T+2, B, H)
            var dh = zeros(b, h);
            var dc = loop.Lstm ? output[steps + 1].to(ScalarType.Float32).clone() : dh;
            var dBelow = empty([steps, b, loop.Gates * h], weight.dtype);       // (T, B, G·H)
            var dRecurrent = loop.Lstm ? dBelow : empty_like(dBelow);
            var product = weight.dtype is ScalarType.BFloat16
                ? RunBack<Bf16>(weight, hs, cs, gates, output, dh, dc, dBelow, dRecurrent, loop)
                : RunBack<float>(weight, hs, cs, gates, output, dh, dc, dBelow, dRecurrent, loop);
            var before = copies.narrow(0, loop.Backwards ? 1 : 0, steps).reshape(steps * b, h);            // (T·B, H)
            var flat = dRecurrent.view(steps * b, -1);                          // (T·B, G·H)
            var dWeight = flat.t().mm(before);                                  // (G·H, H)
            var dBias = flat.sum([0], type: ScalarType.Float32);                // (G·H)
            var start = output[loop.Backwards ? steps : 0];
            return [dBelow, dWeight, dBias, dh.add_(product).add_(start), loop.Lstm ? dc : null, null];
        });
    }

    private static void Run<E>(Tensor below, Tensor weight, Tensor bias, Tensor hs, Tensor cs, Tensor gates, Tensor copies, RnnLoop loop)
        where E : unmanaged
    {
        var (steps, b, h) = ((int)below.shape[0], below.shape[1], (int)weight.shape[1]);
        var size = b * h;
        float* states = TensorMemory.Pointer<float>(hs), cells = loop.Lstm ? TensorMemory.Pointer<float>(cs) : null;
        var transposed = weight.t();
        for (var i = 0; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            var t = loop.Backwards ? steps - 1 - i : i;
            long from = loop.Backwards ? t + 1 : t, to = loop.Backwards ? t : t + 1;
            var recurrent = copies[from].mm(transposed);                        // (B, G·H)
            RnnKernel.Forward(new RnnStep<E>
            {
                X = TensorMemory.Pointer<E>(below) + t * size * loop.Gates,
                Recurrent = TensorMemory.Pointer<E>(recurrent),
                BiasH = TensorMemory.Pointer<float>(bias),
                HBefore = states + from * size,
                HAfter = states + to * size,
                CBefore = cells == null ? null : cells + from * size,
                CAfter = cells == null ? null : cells + to * size,
                Gates = TensorMemory.Pointer<float>(gates) + t * size * 4,
                HCopy = TensorMemory.Pointer<E>(copies) + to * size,
                Lengths = loop.Lengths == null ? null : loop.Lengths.Pointer,
                Position = t,
                Width = h,
            }, loop.Lstm, b);
        }
    }

    /// <returns>What the first step's recurrent product hands back to the starting state, (B, H).</returns>
    private static Tensor RunBack<E>(
        Tensor weight,
        Tensor hs,
        Tensor cs,
        Tensor gates,
        Tensor output,
        Tensor dh,
        Tensor dc,
        Tensor dBelow,
        Tensor dRecurrent,
        RnnLoop loop
    )
        where E : unmanaged
    {
        var (steps, b, h) = ((int)gates.shape[0], gates.shape[1], (int)weight.shape[1]);
        var size = b * h;
        float* states = TensorMemory.Pointer<float>(hs), cells = loop.Lstm ? TensorMemory.Pointer<float>(cs) : null;
        Tensor? product = null;
        for (var i = steps - 1; i >= 0; i--)
        {
            var t = loop.Backwards ? steps - 1 - i : i;
            long from = loop.Backwards ? t + 1 : t, to = loop.Backwards ? t : t + 1;
            RnnKernel.Backward(new RnnStepGradient<E>
            {
                HBefore = states + from * size,
                CBefore = cells == null ? null : cells + from * size,
                CAfter = cells == null ? null : cells + to * size,
                Gates = TensorMemory.Pointer<float>(gates) + t * size * 4,
                DH = TensorMemory.Pointer<float>(dh),
                DC = TensorMemory.Pointer<float>(dc),
                OfOutput = TensorMemory.Pointer<E>(output) + to * size,
                OfProduct = product is null ? null : TensorMemory.Pointer<E>(product),
                DBelow = TensorMemory.Pointer<E>(dBelow) + t * size * loop.Gates,
                DRecurrent = TensorMemory.Pointer<E>(dRecurrent) + t * size * loop.Gates,
                Lengths = loop.Lengths == null ? null : loop.Lengths.Pointer,
                Position = t,
                Width = h,
            }, loop.Lstm, b);
            using var scope = NewDisposeScope();
            product?.Dispose();
            product = dRecurrent[t].mm(weight).MoveToOuterDisposeScope();       // (B, H)
        }
        return product!;
    }
}
