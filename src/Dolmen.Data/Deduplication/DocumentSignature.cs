using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Dolmen.Data.Deduplication;

/// <summary>What deduplication needs of one document. Reused from document to document; one for each thread.</summary>
internal sealed class DocumentSignature
{
    internal ulong[] Words = [];
    internal uint[] Shingles = [];
    internal ulong[] Minima = [];

    /// <summary>One hash for each bucket: two documents that agree in one are compared. Empty for a text without words.</summary>
    public ulong[] Bands { get; internal set; } = [];

    public bool HasBands { get; internal set; }

    /// <summary>The smallest distinct shingle hashes, ascending.</summary>
    public uint[] Sketch { get; internal set; } = [];

    public int SketchCount { get; internal set; }

    /// <summary>True when the sketch holds all distinct shingles.</summary>
    public bool SketchIsComplete { get; internal set; }

    public TextDigest Text { get; set; }

    public PriorityKey Priority { get; set; }

    public int Length { get; set; }
}

/// <summary>128 bits of a text's SHA-256: equal texts, and only those, are exact duplicates.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TextDigest(ulong High, ulong Low) : IOrdered<TextDigest>
{
    public static TextDigest Of(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), hash);
        return MemoryMarshal.Read<TextDigest>(hash);
    }

    public int Compared(TextDigest other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);
}

/// <summary>Which of several duplicates stays: the oldest, then the one whose id hashes lowest. Both come from the document, so neither the
/// order of the input nor the number of threads plays a part.</summary>
/// <param name="Date">Seconds since the year 1, UTC; the largest value for an unknown date.</param>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct PriorityKey(ulong Date, ulong IdHash) : IOrdered<PriorityKey>
{
    public static PriorityKey Of(string date, string id)
    {
        var known = DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var when);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(id), hash);
        return new(known ? (ulong)(when.UtcTicks / TimeSpan.TicksPerSecond) : ulong.MaxValue, MemoryMarshal.Read<ulong>(hash));
    }

    public int Compared(PriorityKey other) => Date != other.Date ? Date.CompareTo(other.Date) : IdHash.CompareTo(other.IdHash);
}
