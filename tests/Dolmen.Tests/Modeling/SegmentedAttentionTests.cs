using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static Dolmen.Tests.Modeling.KernelComparison;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Attention over packed rows against its definition: softmax over the scores of the query's own segment, with everything else at
/// −∞ and positions counted from the segment's start.</summary>
public class SegmentedAttentionTests
{
    private const int Heads = 4, KvHeads = 2, HeadDim = 8;

    /// <summary>Lengths on both sides of the border between our kernel and libtorch's (512), each plain, with a window and with
    /// ALiBi.</summary>
    public static TheoryData<int, bool, int?, bool> Patterns
    {
        get
        {
            var data = new TheoryData<int, bool, int?, bool>();
            foreach (var length in new[] { 60, 600 })
            {
                data.Add(length, true, null, false);
                data.Add(length, false, null, false);
                data.Add(length, true, 7, false);
                data.Add(length, true, 45, false);
                data.Add(length, false, null, true);
                data.Add(length, false, 9, true);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Patterns))]
    public void A_query_sees_its_own_segment_only(int length, bool rotary, int? window, bool alibi)
    {
        using var scope = NewDisposeScope();
        var segments = PackedRows.Of([20, 1, 9, -(length - 30)], [length], [1, length - 3, 2], [length / 2, length - length / 2]);
        using var pattern = new AttentionPattern(Heads, KvHeads, HeadDim, rotary ? new RotaryTable(length, HeadDim, 10000) : null,
            alibi ? tensor(AlibiPosition.Slopes(Heads)).DetachFromDisposeScope() : null, window);
        var qkv = Random(ScalarType.Float64, 1, 4, length, (Heads + 2 * KvHeads) * HeadDim);
        var expected = ValueAndGradients([qkv], x => ByDefinition(x[0], pattern, segments));
        Same("plain", 1e-6, expected, ValueAndGradients([qkv], x => new PlainMath().CausalAttention(x[0], pattern, segments)));
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            SameValuesAndGradients(type, 2 * Tolerance(type), (math, x) => math.CausalAttention(x[0], pattern, segments), qkv.to(type));
    }

    private static Tensor ByDefinition(Tensor qkv, AttentionPattern pattern, Segments segments)
    {
        var (rows, length) = (segments.Rows, segments.Length);
        var (segmentOf, position) = (new long[rows * length], new long[rows * length]);
        for (var i = 0; i < segments.Count; i++)
        {
            var segment = segments.All[i];
            for (var t = 0; t < segment.Length; t++)
                (segmentOf[segment.Row * length + segment.Start + t], position[segment.Row * length + segment.Start + t]) = (i, t);
        }
        var parts = qkv.view(rows, length, -1, HeadDim).split([Heads, KvHeads, KvHeads], 2);
        Tensor Turned(Tensor x)
        {
            if (pattern.Rotary is null) return x;
            var angles = pattern.Rotary.For(length).to(x.dtype).index_select(0, tensor(position)).view(rows, length, 2, 1, HeadDim / 2);
            var (cos, sin, halves) = (angles.select(2, 0), angles.select(2, 1), x.chunk(2, -1));
            return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1);
        }
        Tensor Stacked(Tensor x) => x.transpose(1, 2).repeat_interleave(Heads / x.shape[2], 1).reshape(rows * Heads, length, HeadDim);
        var scores = Stacked(Turned(parts[0])).bmm(Stacked(Turned(parts[1])).transpose(1, 2)) / Math.Sqrt(HeadDim);        // (B·H, T, T)
        var segmentIds = tensor(segmentOf, [rows, length]);
        var distance = arange(length).unsqueeze(1) - arange(length).unsqueeze(0);
        var hidden = segmentIds.unsqueeze(2).ne(segmentIds.unsqueeze(1)).logical_or(distance.lt(0));
        if (pattern.Window is { } window) hidden = hidden.logical_or(distance.ge(window));
        scores = scores.view(rows, Heads, length, length);
        if (pattern.Slopes is { } slopes) scores = scores - slopes.to(qkv.dtype).view(1, -1, 1, 1) * distance;
        var shares = scores.Hide(hidden.unsqueeze(1)).softmax(-1);
        var values = shares.view(rows * Heads, length, length).bmm(Stacked(parts[2])).view(rows, Heads, length, HeadDim);
        return values.transpose(1, 2).reshape(rows, length, -1);
    }
}
