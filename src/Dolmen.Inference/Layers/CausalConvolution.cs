using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Mixers;

namespace Dolmen.Inference.Layers;

// M rows, C channels, K width

/// <summary>silu of a depthwise causal convolution: each channel over its last K inputs. The state is the last K − 1 of them.</summary>
internal sealed unsafe class CausalConvolution : IDisposable
{
    private const int Lanes = RecurrentState.Lanes;

    private readonly int _channels;
    private readonly int _width;
    private readonly NativeBuffer _weight;                               // blocks of (K, 16 channels)
    private readonly NativeBuffer _bias;

    public CausalConvolution(ConvolutionSpec spec, WeightSource weights)
    {
        (_channels, _width) = (spec.Channels, spec.Width);
        var blocks = (_channels + Lanes - 1) / Lanes;
        _weight = NativeBuffer.OfFloats((long)blocks * _width * Lanes);
        weights.Fill(() =>
        {
            var rows = weights.Tensor(spec.Weight, (long)_channels * _width).Span;              // (C, 1, K)
            for (var c = 0; c < _channels; c++)
            {
                for (var k = 0; k < _width; k++) _weight.Floats[(long)(c / Lanes * _width + k) * Lanes + c % Lanes] = rows[c * _width + k];
            }
        });
        _bias = spec.Bias is { } bias ? weights.Vector(bias, _channels) : NativeBuffer.OfFloats(blocks * Lanes);
    }

    public long Bytes => _weight.Bytes + _bias.Bytes;

    public StatePart State => new(1, _channels, _width - 1);

    /// <param name="x">(M, C), rows <paramref name="stride"/> apart.</param>
    /// <param name="layer">Whose state of each sequence has the last inputs in its part <paramref name="part"/>.</param>
    /// <param name="y">(M, C), dense.</param>
    public void Forward(float* x, int stride, PassRows rows, int layer, int part, float* y, DecodePass pass)
    {
        pass.Run(rows, State.Blocks, (long)rows.Count * _channels, (piece, block) =>
        {
            var state = RecurrentState.Of(piece, layer).Part(part) + (long)block * (_width - 1) * Lanes;
            Block(
                x + (long)piece.Row * stride + block * Lanes, stride, piece.Count, block, state,
                y + (long)piece.Row * _channels + block * Lanes);
        });
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Block(float* x, int stride, int m, int block, float* state, float* y)
    {
        var past = _width - 1;
        var count = _channels - block * Lanes;
        var weight = _weight.Floats + (long)block * _width * Lanes;
        var bias = Vector512.Load(_bias.Floats + block * Lanes);
        for (var t = 0; t < m; t++)
        {
            var sum = bias;
            for (var k = 0; k < _width; k++)
            {
                var at = t + k - past;
                var input = at < 0 ? state + (at + past) * Lanes : x + (long)at * stride;
                sum = Vector512.FusedMultiplyAdd(Vector512.Load(input), Vector512.Load(weight + k * Lanes), sum);
            }
            VectorMath16.Store(VectorMath16.Silu(sum), y + (long)t * _channels, count);
        }
        for (var k = 0; k < past; k++)
        {
            var at = m + k - past;
            var input = at < 0 ? state + (at + past) * Lanes : x + (long)at * stride;
            Vector512.Load(input).Store(state + k * Lanes);
        }
    }
}
