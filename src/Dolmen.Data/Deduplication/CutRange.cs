using System.Runtime.InteropServices;
using System.Text;

namespace Dolmen.Data.Deduplication;

/// <summary>Why a part of a text is cut.</summary>
internal enum CutKind : long { Line, Paragraph, Passage }

/// <summary>A part of a document's text that stands elsewhere in the corpus, in UTF-16 units.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct CutRange(long Ordinal, int Start, int End, CutKind Kind) : IOrdered<CutRange>
{
    public int Compared(CutRange other)
    {
        if (Ordinal != other.Ordinal) return Ordinal.CompareTo(other.Ordinal);
        if (Start != other.Start) return Start.CompareTo(other.Start);
        return End != other.End ? End.CompareTo(other.End) : Kind.CompareTo(other.Kind);
    }

    /// <summary>The text without the ranges, which are ascending and may overlap. Where a cut leaves several empty lines, one
    /// stays.</summary>
    public static string Cut(string text, ReadOnlySpan<CutRange> ranges)
    {
        var left = new StringBuilder(text.Length);
        var at = 0;
        foreach (var range in ranges)
        {
            if (range.Start > at) Append(text.AsSpan(at, range.Start - at));
            at = Math.Max(at, range.End);
        }
        Append(text.AsSpan(at));
        return left.ToString().Trim();

        void Append(ReadOnlySpan<char> part)
        {
            var breaks = 0;
            while (breaks < left.Length && left[^(breaks + 1)] == '\n') breaks++;
            var more = part.Length - part.TrimStart('\n').Length;
            left.Append(part[Math.Min(more, Math.Max(0, breaks + more - 2))..]);
        }
    }
}
