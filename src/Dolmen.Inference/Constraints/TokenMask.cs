namespace Dolmen.Inference.Constraints;

/// <summary>Which tokens may come next.</summary>
internal sealed class TokenMask(int vocabulary)
{
    private readonly ulong[] _bits = new ulong[(vocabulary + 63) / 64];

    public bool IsEmpty { get; private set; } = true;

    /// <summary>The most bytes that may be needed to end the text after one of the tokens.</summary>
    public int Furthest { get; private set; }

    public void Allow(int token, int shortestToEnd)
    {
        _bits[token >> 6] |= 1UL << token;
        IsEmpty = false;
        Furthest = Math.Max(Furthest, shortestToEnd);
    }

    /// <summary>Takes every other token's logit to minus infinity.</summary>
    public void Apply(Span<float> logits)
    {
        for (var word = 0; word * 64 < logits.Length; word++)
        {
            var part = logits.Slice(word * 64, Math.Min(64, logits.Length - word * 64));
            var bits = word < _bits.Length ? _bits[word] : 0;
            if (bits == ulong.MaxValue) continue;
            if (bits == 0)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }
            for (var i = 0; i < part.Length; i++, bits >>= 1)
            {
                if ((bits & 1) == 0) part[i] = float.NegativeInfinity;
            }
        }
    }
}
