namespace Dolmen.Web.Warc;

/// <summary>Bounds on what one record of a crawl may cost. A record that breaks one is skipped and counted, never the file.</summary>
/// <param name="MaxRecordBytes">Most bytes of a record once everything is uncompressed.</param>
/// <param name="MaxRatio">Most bytes out per byte in of a compressed body: beyond 1 MB out, more is taken for a bomb.</param>
public sealed record PageLimits(long MaxRecordBytes, double MaxRatio);
