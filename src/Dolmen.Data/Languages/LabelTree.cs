using System.Buffers;

namespace Dolmen.Data.Languages;

/// <summary>The Huffman tree over labels of fastText's hierarchical softmax: nodes below <c>labels</c> are leaves, the last is the root,
/// and an inner node's row of the output matrix gives the probability of turning right.</summary>
internal sealed class LabelTree
{
    /// <summary>What fastText takes for the count of a node that is not built yet; counts must add up to less.</summary>
    public const long Unbuilt = 1_000_000_000_000_000;
    private readonly int[] _left;
    private readonly int[] _right;
    private readonly int _labels;

    /// <param name="counts">Of the labels in the dictionary's order, most frequent first.</param>
    public LabelTree(ReadOnlySpan<long> counts)
    {
        _labels = counts.Length;
        var nodes = 2 * _labels - 1;
        (_left, _right) = (new int[nodes], new int[nodes]);
        var count = new long[nodes];
        counts.CopyTo(count);
        count.AsSpan(_labels).Fill(Unbuilt);
        var (leaf, inner) = (_labels - 1, _labels);
        for (var node = _labels; node < nodes; node++)
        {
            _left[node] = Lighter();
            _right[node] = Lighter();
            count[node] = count[_left[node]] + count[_right[node]];
        }

        int Lighter() => leaf >= 0 && count[leaf] < count[inner] ? leaf-- : inner++;
    }

    /// <summary>Fills the best labels: depth first like fastText, but into the likelier branch first, so that most of the tree is never
    /// looked at. The stack is an array because a made-up model can be a million nodes deep.</summary>
    public void Find(FastTextMatrix output, ReadOnlySpan<float> hidden, ref BestLabels best)
    {
        var stack = ArrayPool<(int Node, float Score)>.Shared.Rent(_labels + 1);
        var top = 0;
        stack[top++] = (_left.Length - 1, 0);
        while (top > 0)
        {
            var (node, score) = stack[--top];
            // Like fastText, which asks this of every node against a threshold of zero.
            if (score < BestLabels.Log(0) || !best.Admits(score)) continue;
            if (node < _labels)
            {
                best.Add(node, score);
                continue;
            }
            var right = (float)(1.0 / (1 + (double)MathF.Exp(-output.Dot(node - _labels, hidden))));
            var toLeft = (_left[node], score + BestLabels.Log((float)(1.0 - right)));
            var toRight = (_right[node], score + BestLabels.Log(right));
            (stack[top], stack[top + 1]) = toLeft.Item2 >= toRight.Item2 ? (toRight, toLeft) : (toLeft, toRight);
            top += 2;
        }
        ArrayPool<(int, float)>.Shared.Return(stack);
    }
}

/// <summary>The k labels of highest log-probability seen so far, best first; among equals the first seen.</summary>
internal ref struct BestLabels(Span<LabelScore> labels)
{
    private readonly Span<LabelScore> _labels = labels;

    public int Count { get; private set; }

    /// <summary>fastText's logarithm, whose probabilities can therefore come to a little more than 1.</summary>
    public static float Log(float probability) => (float)Math.Log(probability + 1e-5);

    public readonly bool Admits(float score) => Count < _labels.Length || score > _labels[^1].Score;

    public void Add(int label, float score)
    {
        if (!Admits(score)) return;
        var at = Count < _labels.Length ? Count++ : Count - 1;
        for (; at > 0 && _labels[at - 1].Score < score; at--) _labels[at] = _labels[at - 1];
        _labels[at] = new(label, score);
    }
}

/// <param name="Label">Index into the model's labels.</param>
/// <param name="Score">Log-probability.</param>
internal readonly record struct LabelScore(int Label, float Score)
{
    public float Probability => MathF.Exp(Score);
}
