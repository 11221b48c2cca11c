namespace Dolmen.Data.Deduplication;

/// <summary>A set of ordinals, a bit each.</summary>
internal sealed class Bits(long length)
{
    private readonly ulong[] _words = new ulong[(length + 63) / 64];

    public bool this[long ordinal] => (_words[ordinal >> 6] >> (int)(ordinal & 63) & 1) != 0;

    public void Set(long ordinal) => _words[ordinal >> 6] |= 1UL << (int)(ordinal & 63);
}
