using Dolmen.Checkpoints;

namespace Dolmen.Inference;

// n tokens of a part, D model

/// <summary>Makes one vector of a prompt's hidden states, which come in parts. Sums are in double and in the order of the tokens: how the
/// prompt was cut does not show.</summary>
/// <param name="length">Tokens of the prompt.</param>
internal sealed class PromptPooling(Pooling pooling, int length, int dModel)
{
    private readonly double[] _sum = new double[dModel];
    private int _count, _furthest;

    /// <summary>Whether a beginning that is known from another prompt may be left out.</summary>
    public bool NeedsAll => pooling == Pooling.Mean;

    /// <summary>How many of the last hidden states of a slice are needed that ends after <paramref name="end"/> tokens.</summary>
    public int Rows(int tokens, int end) => end > length ? 0 : NeedsAll ? tokens : end == length ? 1 : 0;

    /// <param name="states">(n, D): of the n tokens before <paramref name="end"/>.</param>
    public void Add(ReadOnlySpan<float> states, int end)
    {
        var rows = states.Length / dModel;
        for (var row = 0; row < rows; row++)
        {
            var token = end - rows + row;
            if (token < _furthest) continue;                             // taken in before the text had to wait
            for (var i = 0; i < dModel; i++) _sum[i] += states[row * dModel + i];
            (_count, _furthest) = (_count + 1, token + 1);
        }
    }

    /// <summary>(D).</summary>
    public float[] Vector() => [.. _sum.Select(value => (float)(value / _count))];
}
