namespace Dolmen.Checkpoints;

/// <summary>
/// One row for every n-gram, added to the embedding of its last token: what has just been said is known before the first layer. N-grams
/// share a table of fixed size by their hash (Svenstrup et al. 2017; the bigram table of modded-nanogpt), so that rare ones may meet in a
/// row.
/// </summary>
/// <param name="Weight">(Rows, Size).</param>
/// <param name="Order">Tokens of an n-gram: 2 for a bigram.</param>
/// <param name="Size">The model's width.</param>
public sealed record NgramTableSpec(string Weight, int Order, int Rows, int Size)
{
    /// <summary>What stands for tokens before the beginning of a text.</summary>
    public const int Nothing = -1;

    public TensorShape Tensor => new(Weight, [Rows, Size]);

    /// <summary>The row of an n-gram. The hash is part of the format: trained tables depend on it.</summary>
    /// <param name="tokens">The last <see cref="Order"/> tokens, the oldest first, <see cref="Nothing"/> where there were none.</param>
    public int RowOf(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != Order) throw new ArgumentException($"{tokens.Length} tokens, but an n-gram of order {Order}.", nameof(tokens));
        var hash = 0u;
        unchecked
        {
            foreach (var token in tokens)
            {
                hash = (hash ^ (uint)(token + 1)) * 0x9E3779B1u;         // 2^32 divided by the golden ratio (Knuth, volume 3, 6.4)
                hash ^= hash >> 15;                                      // the low bits of a product depend on low bits alone
            }
        }
        return (int)(((ulong)(hash * 0x85EBCA6Bu) * (uint)Rows) >> 32);
    }
}
