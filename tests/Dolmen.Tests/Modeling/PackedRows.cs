using Dolmen.Modeling;

namespace Dolmen.Tests.Modeling;

/// <summary>Segments written as lengths: one array a row, a negative length for padding.</summary>
internal static class PackedRows
{
    public static Segments Of(params int[][] lengths)
    {
        var segments = new List<Segment>();
        for (var row = 0; row < lengths.Length; row++)
        {
            var start = 0;
            foreach (var length in lengths[row])
            {
                segments.Add(new Segment(row, start, Math.Abs(length), length < 0));
                start += Math.Abs(length);
            }
        }
        return new Segments(lengths.Length, lengths[0].Sum(Math.Abs), segments);
    }
}
