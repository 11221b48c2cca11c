using Dolmen.Web.Warc;

namespace Dolmen.Data.Sources;

/// <summary>Bounds on what one record may cost. A record that breaks one is skipped and counted, never the file.</summary>
/// <param name="MaxRecordBytes">Most bytes of a record once everything is uncompressed.</param>
/// <param name="MaxRatio">Most bytes out per byte in of a compressed body: beyond 1 MB out, more is taken for a bomb.</param>
/// <param name="TextField">The field of JSON lines, or the column of tables, that holds the documents.</param>
internal sealed record ReadLimits(long MaxRecordBytes = 32L << 20, double MaxRatio = 200, string TextField = RowFields.Text)
{
    public PageLimits OfPages() => new(MaxRecordBytes, MaxRatio);
}
