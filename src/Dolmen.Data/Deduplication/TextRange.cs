using System.Runtime.InteropServices;

namespace Dolmen.Data.Deduplication;

/// <summary>A part of a document's text, in UTF-16 units.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TextRange(long Ordinal, int Start, int End) : IOrdered<TextRange>
{
    public int Compared(TextRange other)
    {
        if (Ordinal != other.Ordinal) return Ordinal.CompareTo(other.Ordinal);
        return Start != other.Start ? Start.CompareTo(other.Start) : End.CompareTo(other.End);
    }
}

/// <summary>A piece of text (line, paragraph or window of words) and where it stands. Of equal pieces the one that stays comes
/// first.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct Piece(TextDigest Text, PriorityKey Priority, TextRange Range) : IOrdered<Piece>
{
    public int Compared(Piece other)
    {
        var order = Text.Compared(other.Text);
        if (order == 0) order = Priority.Compared(other.Priority);
        return order != 0 ? order : Range.Compared(other.Range);
    }
}
