namespace Dolmen.Data.Deduplication;

/// <summary>A bottom-k sketch: the k smallest distinct shingle hashes. The k smallest of a union are a uniform sample of it, and the share
/// of them that lies in both sets estimates the Jaccard similarity without bias; sketches that hold whole sets give it exactly.</summary>
internal static class ShingleSketch
{
    public static void Of(ReadOnlySpan<uint> shingles, int size, DocumentSignature into)
    {
        if (into.Sketch.Length != size) into.Sketch = new uint[size];
        // In a long document only hashes below a cut are sorted; the cut is raised until enough distinct ones lie below it.
        for (var share = 1.5; ; share *= 4)
        {
            var cut = shingles.Length <= size * 2 ? 1 : share * size / shingles.Length;
            var most = cut >= 1 ? uint.MaxValue : (uint)(cut * uint.MaxValue);
            if (Below(shingles, most, into)) return;
        }
    }

    private static bool Below(ReadOnlySpan<uint> shingles, uint most, DocumentSignature into)
    {
        var rented = System.Buffers.ArrayPool<uint>.Shared.Rent(Math.Max(shingles.Length, 1));
        try
        {
            var count = 0;
            foreach (var x in shingles)
            {
                rented[count] = x;
                count += x <= most ? 1 : 0;
                if (count == rented.Length) break;
            }
            var chosen = rented.AsSpan(0, count);
            chosen.Sort();
            int distinct = 0, kept = 0;
            for (var i = 0; i < chosen.Length; i++)
            {
                if (i > 0 && chosen[i] == chosen[i - 1]) continue;
                if (distinct++ < into.Sketch.Length) into.Sketch[kept++] = chosen[i];
                else break;
            }
            into.SketchCount = kept;
            into.SketchIsComplete = most == uint.MaxValue && distinct <= into.Sketch.Length;
            return most == uint.MaxValue || kept == into.Sketch.Length;
        }
        finally
        {
            System.Buffers.ArrayPool<uint>.Shared.Return(rented);
        }
    }

    public static double Jaccard(ReadOnlySpan<uint> a, bool aIsWhole, ReadOnlySpan<uint> b, bool bIsWhole)
    {
        var size = Math.Min(aIsWhole ? int.MaxValue : a.Length, bIsWhole ? int.MaxValue : b.Length);
        int i = 0, j = 0, union = 0, both = 0;
        while (union < size && (i < a.Length || j < b.Length))
        {
            union++;
            if (j == b.Length || (i < a.Length && a[i] < b[j])) i++;
            else if (i == a.Length || b[j] < a[i]) j++;
            else
            {
                both++;
                i++;
                j++;
            }
        }
        return union == 0 ? 0 : (double)both / union;
    }
}
