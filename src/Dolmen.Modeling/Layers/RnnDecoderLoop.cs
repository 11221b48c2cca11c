// B batch, S source positions, T steps, D decoder state, M memory, G gates, L layers
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>The steps of <see cref="RnnDecoderFunction"/>, there and back.</summary>
internal sealed unsafe class RnnDecoderLoop<E>(DecoderLoop loop, Tensor[] arguments, RnnDecoderFunction.Kept kept) where E : unmanaged
{
    private readonly int _steps = (int)arguments[0].shape[0], _b = (int)arguments[0].shape[1];
    private readonly int _d = (int)arguments[DecoderLoop.Vector].shape[0], _m = (int)arguments[DecoderLoop.Memory].shape[2];
    private readonly int _positions = (int)arguments[DecoderLoop.Keys].shape[1];

    private int Size => _b * _d;

    public void Run()
    {
        using var whole = NewDisposeScope();
        var bias = arguments[DecoderLoop.VectorBias].to(arguments[0].dtype);
        var vector = arguments[DecoderLoop.Vector].t();                         // (D + M, D)
        var energy = loop.HasQuery ? arguments[loop.Energy].to(ScalarType.Float32) : null;
        var top = kept.Layer(loop.Layers - 1).Copies;
        for (var t = 0; t < _steps; t++)
        {
            using var scope = NewDisposeScope();
            var fed = loop.Feeds && t > 0 ? kept.Vectors[t - 1].mm(arguments[DecoderLoop.Feed].t()) : null;      // (B, G·D)
            for (var i = 0; i < loop.Layers; i++) Step(i, t, fed);
            var state = top[t + 1];                                             // (B, D)
            kept.Joined[t].narrow(1, 0, _d).copy_(state);
            if (loop.HasQuery) kept.Queries[t].copy_(state.mm(arguments[loop.Query].t()));
            AttentionStepKernel.Forward(Attention(t, energy), _b);
            kept.Vectors[t].copy_(addmm(bias, kept.Joined[t], vector, 1, 1).tanh_());                                  // (B, D)
        }
    }

    /// <returns>One gradient an argument.</returns>
    public Tensor?[] RunBack(Tensor output)                                     // (T, B, D)
    {
        var gradients = new Tensor?[loop.Arguments];
        using var whole = NewDisposeScope();
        var type = arguments[0].dtype;
        var energy = loop.HasQuery ? arguments[loop.Energy].to(ScalarType.Float32) : null;
        Tensor dVectors = empty([_steps, _b, _d], type), dQueries = empty([_steps, _b, _d], type);
        Tensor dKeys = zeros(_b, _positions, _d), dMemory = zeros(_b, _positions, _m), dEnergy = zeros(loop.HasQuery ? _b : 0, _d);
        var layers = Enumerable.Range(0, loop.Layers).Select(_ => new LayerGradient(loop, _steps, _b, _d, type)).ToArray();
        for (var t = _steps - 1; t >= 0; t--)
        {
            using var scope = NewDisposeScope();
            var dy = output[t];                                                 // (B, D)
            if (loop.Feeds && t + 1 < _steps) dy = dy + layers[0].Below[t + 1].mm(arguments[DecoderLoop.Feed]);
            var y = kept.Vectors[t];
            dVectors[t].copy_(dy - dy * y * y);                                 // through tanh
            var dJoined = dVectors[t].mm(arguments[DecoderLoop.Vector]);        // (B, D + M)
            AttentionStepKernel.Backward(Attention(t, energy), new AttentionStepGradient<E>
            {
                DContext = TensorMemory.Pointer<E>(dJoined) + _d,
                ContextStride = _d + _m,
                DQuery = TensorMemory.Pointer<E>(dQueries) + (long)t * Size,
                DKeys = TensorMemory.Pointer<float>(dKeys),
                DMemory = TensorMemory.Pointer<float>(dMemory),
                DEnergy = TensorMemory.Pointer<float>(dEnergy),
            }, _b);
            var dQuery = loop.HasQuery ? dQueries[t].mm(arguments[loop.Query]) : dQueries[t];                    // (B, D)
            var ofAbove = dJoined.narrow(1, 0, _d).add(dQuery).contiguous();    // (B, D)
            for (var i = loop.Layers - 1; i >= 0; i--)
            {
                StepBack(i, t, layers[i], ofAbove);
                if (i > 0) ofAbove = layers[i].Below[t].mm(arguments[loop.Layer(i).Input]);                      // (B, D)
            }
        }
        gradients[DecoderLoop.Below] = layers[0].Below;
        gradients[DecoderLoop.Keys] = dKeys.to(type);
        gradients[DecoderLoop.Memory] = dMemory.to(type);
        (gradients[DecoderLoop.Vector], gradients[DecoderLoop.VectorBias]) = OverSteps(dVectors, kept.Joined);
        if (loop.Feeds)
        {
            gradients[DecoderLoop.Feed] = _steps > 1
                ? OverSteps(layers[0].Below.narrow(0, 1, _steps - 1), kept.Vectors.narrow(0, 0, _steps - 1)).Weight
                : zeros_like(arguments[DecoderLoop.Feed]);
        }
        if (loop.HasQuery)
        {
            (gradients[loop.Query], var dBias) = OverSteps(dQueries, kept.Layer(loop.Layers - 1).Copies.narrow(0, 1, _steps));
            gradients[loop.Energy] = dEnergy.sum(0, keepdim: true).to(type);    // (1, D)
            if (loop.HasQueryBias) gradients[loop.QueryBias] = dBias;
        }
        for (var i = 0; i < loop.Layers; i++)
        {
            var (input, state, start) = loop.Layer(i);
            if (i > 0) (gradients[input], gradients[input + 1]) = OverSteps(layers[i].Below, kept.Layer(i - 1).Copies.narrow(0, 1, _steps));
            (gradients[state], gradients[state + 1]) = OverSteps(layers[i].Recurrent, kept.Layer(i).Copies.narrow(0, 0, _steps));
            gradients[start] = layers[i].H.add_(layers[i].Product!);
            if (loop.Lstm) gradients[start + 1] = layers[i].C;
        }
        foreach (var gradient in gradients) gradient?.MoveToOuterDisposeScope();
        return gradients;
    }

    private void Step(int i, int t, Tensor? fed)
    {
        var (hs, cs, gates, copies) = kept.Layer(i);
        var (input, state, _) = loop.Layer(i);
        var recurrent = copies[t].mm(arguments[state].t()); // (B, G·D)
        var below = i > 0 ? kept.Layer(i - 1).Copies[t + 1].mm(arguments[input].t()) : null; // (B, G·D)
        float* states = TensorMemory.Pointer<float>(hs) + (long)t * Size,
            cells = loop.Lstm ? TensorMemory.Pointer<float>(cs) + (long)t * Size : null;
        RnnKernel.Forward(
            new RnnStep<E>
            {
                X = below is null
                    ? TensorMemory.Pointer<E>(arguments[DecoderLoop.Below]) + (long)t * Size * loop.Gates
                    : TensorMemory.Pointer<E>(below),
                Y = i == 0 && fed is not null ? TensorMemory.Pointer<E>(fed) : null,
                Recurrent = TensorMemory.Pointer<E>(recurrent),
                BiasX = i > 0 ? TensorMemory.Pointer<float>(arguments[input + 1]) : null,
                BiasH = TensorMemory.Pointer<float>(arguments[state + 1]),
                HBefore = states,
                HAfter = states + Size,
                CBefore = cells,
                CAfter = cells == null ? null : cells + Size,
                Gates = TensorMemory.Pointer<float>(gates) + (long)t * Size * 4,
                HCopy = TensorMemory.Pointer<E>(copies) + (t + 1L) * Size,
                Width = _d,
            },
            loop.Lstm,
            _b
        );
    }

    private void StepBack(int i, int t, LayerGradient layer, Tensor ofAbove)
    {
        var (hs, cs, gates, _) = kept.Layer(i);
        var cells = loop.Lstm ? TensorMemory.Pointer<float>(cs) + (long)t * Size : null;
        RnnKernel.Backward(new RnnStepGradient<E>
        {
            HBefore = TensorMemory.Pointer<float>(hs) + (long)t * Size,
            CBefore = cells,
            CAfter = cells == null ? null : cells + Size,
            Gates = TensorMemory.Pointer<float>(gates) + (long)t * Size * 4,
            DH = TensorMemory.Pointer<float>(layer.H),
            DC = TensorMemory.Pointer<float>(layer.C),
            OfAbove = TensorMemory.Pointer<E>(ofAbove),
            OfProduct = layer.Product is null ? null : TensorMemory.Pointer<E>(layer.Product),
            DBelow = TensorMemory.Pointer<E>(layer.Below) + (long)t * Size * loop.Gates,
            DRecurrent = TensorMemory.Pointer<E>(layer.Recurrent) + (long)t * Size * loop.Gates,
            Width = _d,
        }, loop.Lstm, _b);
        layer.Product?.Dispose();
        layer.Product = layer.Recurrent[t].mm(arguments[loop.Layer(i).State]).MoveToOuterDisposeScope();         // (B, D)
    }

    private AttentionStep<E> Attention(int t, Tensor? energy) => new()
    {
        Query = loop.HasQuery
            ? TensorMemory.Pointer<E>(kept.Queries) + (long)t * Size
            : TensorMemory.Pointer<E>(kept.Layer(loop.Layers - 1).Copies) + (t + 1L) * Size,
        QueryStride = _d,
        QueryBias = loop.HasQueryBias ? TensorMemory.Pointer<float>(arguments[loop.QueryBias]) : null,
        Energy = energy is null ? null : TensorMemory.Pointer<float>(energy),
        Keys = TensorMemory.Pointer<E>(arguments[DecoderLoop.Keys]),
        Memory = TensorMemory.Pointer<E>(arguments[DecoderLoop.Memory]),
        Lengths = loop.Lengths.Pointer,
        Positions = _positions,
        Width = _d,
        MemoryWidth = _m,
        Weights = TensorMemory.Pointer<float>(kept.Weights) + (long)t * _b * _positions,
        Context = TensorMemory.Pointer<E>(kept.Joined) + (long)t * _b * (_d + _m) + _d,
        ContextStride = _d + _m,
    };

    /// <summary>Σ over steps and rows of gradientᵀ·input, and of the gradient itself in fp32.</summary>
    private static (Tensor Weight, Tensor Bias) OverSteps(Tensor gradient, Tensor input)
    {
        var flat = gradient.reshape(-1, gradient.shape[2]);                     // (T·B, outputs)
        return (flat.t().mm(input.reshape(-1, input.shape[2])), flat.sum([0], type: ScalarType.Float32));
    }

    /// <summary>What the way back carries for a layer: gradients of the gate sums of every step (T, B, G·D), of state and cell (B, D), and
    /// what the last step's recurrent product hands back.</summary>
    private sealed class LayerGradient(DecoderLoop loop, int steps, int b, int d, ScalarType type)
    {
        public Tensor Below { get; } = empty([steps, b, loop.Gates * d], type);

        public Tensor Recurrent => _recurrent ?? Below;

        private readonly Tensor? _recurrent = loop.Lstm ? null : empty([steps, b, loop.Gates * d], type);

        public Tensor H { get; } = zeros(b, d);

        public Tensor C { get; } = zeros(b, d);

        public Tensor? Product { get; set; }
    }
}
