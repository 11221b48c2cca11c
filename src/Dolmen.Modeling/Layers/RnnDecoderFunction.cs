// B batch, S source positions, T steps, D decoder state, M memory, G gates, L layers
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>What a call of <see cref="RnnDecoderFunction"/> consists of, and where each argument lies.</summary>
internal sealed record DecoderLoop(bool Lstm, int Layers, bool Feeds, bool HasQuery, bool HasQueryBias, SequenceLengths Lengths)
{
    public const int Below = 0, Keys = 1, Memory = 2, Vector = 3, VectorBias = 4, Feed = 5;

    /// <summary>(T, B, S): what the forward pass looked at. A second result would need a gradient.</summary>
    public Tensor? Weights { get; set; }

    public int Gates => Lstm ? 4 : 3;

    public int Query => Feeds ? 6 : 5;

    public int Energy => Query + 1;

    public int QueryBias => Query + 2;

    private int FirstLayer => Query + (HasQuery ? 2 : 0) + (HasQueryBias ? 1 : 0);

    /// <summary>Input weight and bias (from the second layer on), state weight and bias, h, c (of an LSTM).</summary>
    public (int Input, int State, int H) Layer(int i)
    {
        var start = FirstLayer + i * (Lstm ? 6 : 5) - (i > 0 ? 2 : 0);
        var state = i > 0 ? start + 2 : start;
        return (start, state, state + 2);
    }

    public int Arguments => Layer(Layers - 1).H + (Lstm ? 2 : 1);
}

/// <summary>
/// The whole decoder with attention as one function; arguments as <see cref="DecoderLoop"/> says, the last is it.
/// → attentional vectors (T, B, D). What a step must have for its way back is kept; gradients of weights are one
/// product each over all steps.
/// </summary>
internal sealed class RnnDecoderFunction : autograd.SingleTensorFunction<RnnDecoderFunction>
{
    public override string Name => "rnn_decoder";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var loop = (DecoderLoop)vars[^1];
        var arguments = vars.OfType<Tensor>().ToArray();
        foreach (var at in (int[])[DecoderLoop.Below, DecoderLoop.Keys, DecoderLoop.Memory]) arguments[at] = arguments[at].contiguous();
        var kept = Kept.Allocate(loop, arguments);
        if (arguments[0].dtype is ScalarType.BFloat16) new RnnDecoderLoop<Bf16>(loop, arguments, kept).Run();
        else new RnnDecoderLoop<float>(loop, arguments, kept).Run();
        ctx.save_for_backward([.. arguments, .. kept.All]);
        ctx.save_data("loop", loop);
        loop.Weights = kept.Weights.alias();
        return kept.Vectors.clone();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var loop = (DecoderLoop)ctx.get_data("loop");
        return BackwardGuard.Run(ctx, loop.Arguments + 1, [grad_output], saved =>
        {
            Tensor[] arguments = [.. saved.Take(loop.Arguments)];
            var kept = new Kept([.. saved.Skip(loop.Arguments)]);
            var gradients = arguments[0].dtype is ScalarType.BFloat16
                ? new RnnDecoderLoop<Bf16>(loop, arguments, kept).RunBack(grad_output.contiguous())
                : new RnnDecoderLoop<float>(loop, arguments, kept).RunBack(grad_output.contiguous());
            return [.. gradients, null];
        });
    }

    /// <summary>What the forward pass leaves for the way back.</summary>
    internal sealed class Kept(Tensor[] all)
    {
        public Tensor[] All => all;

        /// <summary>(T, B, D), (T, B, S) fp32, (T, B, D + M), (T, B, D) or empty.</summary>
        public Tensor Vectors => all[0];

        public Tensor Weights => all[1];

        public Tensor Joined => all[2];

        public Tensor Queries => all[3];

        /// <summary>States and cells (T+1, B, D) fp32, gates (T, B, 4D) fp32, and the states in the type of products.</summary>
        public (Tensor H, Tensor C, Tensor Gates, Tensor Copies) Layer(int i) =>
            (all[4 + 4 * i], all[5 + 4 * i], all[6 + 4 * i], all[7 + 4 * i]);

        public static Kept Allocate(DecoderLoop loop, Tensor[] arguments)
        {
            var type = arguments[0].dtype;
            var (t, b, d) = (arguments[0].shape[0], arguments[0].shape[1], arguments[DecoderLoop.Vector].shape[0]);
            List<Tensor> all =
            [
                empty([t, b, d], type),
                empty([t, b, arguments[DecoderLoop.Keys].shape[1]]),
                empty([t, b, arguments[DecoderLoop.Vector].shape[1]], type),
                loop.HasQuery ? empty([t, b, d], type) : empty(0),
            ];
            for (var i = 0; i < loop.Layers; i++)
            {
                var at = loop.Layer(i).H;
                var states = empty([t + 1, b, d]);
                states[0].copy_(arguments[at]);
                var cells = loop.Lstm ? empty([t + 1, b, d]) : empty(0);
                if (loop.Lstm) cells[0].copy_(arguments[at + 1]);
                var copies = type is ScalarType.BFloat16 ? empty([t + 1, b, d], type) : states;
                if (type is ScalarType.BFloat16) copies[0].copy_(arguments[at]);
                all.AddRange([states, cells, empty([t, b, 4 * d]), copies]);
            }
            return new Kept([.. all]);
        }
    }
}
