using System.Runtime.InteropServices;

namespace Dolmen.Data.Deduplication;

/// <summary>A document's text in the search for exact duplicates. Within a text the document that stays comes first.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TextItem(TextDigest Text, PriorityKey Priority, long Ordinal) : IOrdered<TextItem>
{
    public int Compared(TextItem other)
    {
        var order = Text.Compared(other.Text);
        if (order == 0) order = Priority.Compared(other.Priority);
        return order != 0 ? order : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>A document in a bucket. <paramref name="Order"/> is of its text, so that the order within a bucket is not that of the
/// input.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct BandItem(ulong Band, ulong Order, long Ordinal) : IOrdered<BandItem>
{
    public int Compared(BandItem other)
    {
        if (Band != other.Band) return Band.CompareTo(other.Band);
        return Order != other.Order ? Order.CompareTo(other.Order) : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>A document's place among all, most deserving to stay first.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct RankItem(PriorityKey Priority, TextDigest Text, long Ordinal) : IOrdered<RankItem>
{
    public int Compared(RankItem other)
    {
        var order = Priority.Compared(other.Priority);
        if (order == 0) order = Text.Compared(other.Text);
        return order != 0 ? order : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>Two documents, the smaller ordinal first.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct Pair(long A, long B) : IOrdered<Pair>
{
    public int Compared(Pair other) => A != other.A ? A.CompareTo(other.A) : B.CompareTo(other.B);
}

/// <summary>Two near-duplicates and how alike they are; 1 when nothing was compared (<see cref="MinHashSettings.MinJaccard"/>
/// null).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct NearPair(long A, long B, double Jaccard);
