using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Dolmen.Web.Encodings;

/// <summary>The index tables of the WHATWG Encoding Standard: code points by pointer, -1 where a pointer means nothing. The resource is
/// written by <c>eng/charset-indexes.py</c> from the published indexes: one line of names and lengths, then for all values the low, the
/// middle and the high bytes of the step from the value before (0 for nothing, even for a step up, odd for one down).</summary>
internal static class CharsetIndexes
{
    private static readonly Dictionary<string, int[]> ByName = Load();

    public static int[] Jis0208 { get; } = ByName["jis0208"];

    public static int[] Jis0212 { get; } = ByName["jis0212"];

    public static int[] Big5 { get; } = ByName["big5"];

    public static int[] EucKr { get; } = ByName["euc-kr"];

    public static int[] Gb18030 { get; } = ByName["gb18030"];

    /// <summary>First pointers of the ranges of GB 18030's four-byte codes, ascending.</summary>
    public static int[] Gb18030RangePointers { get; } = ByName["gb18030-ranges-pointers"];

    public static int[] Gb18030RangeCodePoints { get; } = ByName["gb18030-ranges-code-points"];

    /// <returns>The 128 code points of a single-byte encoding's upper half; null if it is not one.</returns>
    public static int[]? SingleByte(string name) => ByName.GetValueOrDefault(name) is { Length: 128 } index ? index : null;

    private static Dictionary<string, int[]> Load()
    {
        using var stored = typeof(CharsetIndexes).Assembly.GetManifestResourceStream("charset-indexes.bin")
            ?? throw new InvalidOperationException("The assembly was built without its charset indexes.");
        using var unfolded = new MemoryStream();
        using (var zlib = new ZLibStream(stored, CompressionMode.Decompress)) zlib.CopyTo(unfolded);
        var bytes = unfolded.ToArray().AsSpan();
        var line = bytes.IndexOf((byte)'\n');
        var header = Encoding.ASCII.GetString(bytes[..line]).Split(' ').Select(entry => entry.Split(':'))
            .Select(pair => (Name: pair[0], Length: int.Parse(pair[1], CultureInfo.InvariantCulture))).ToList();
        var total = header.Sum(entry => entry.Length);
        var low = bytes.Slice(line + 1, total);
        var middle = bytes.Slice(line + 1 + total, total);
        var high = bytes.Slice(line + 1 + (2 * total), total);
        var indexes = new Dictionary<string, int[]>(StringComparer.Ordinal);
        var at = 0;
        foreach (var (name, length) in header)
        {
            var index = new int[length];
            var before = 0;
            for (var i = 0; i < length; i++, at++)
            {
                var step = low[at] | (middle[at] << 8) | (high[at] << 16);
                if (step != 0) before += (step & 1) == 0 ? step >> 1 : -(step >> 1);
                index[i] = step == 0 ? -1 : before;
            }
            indexes.Add(name, index);
        }
        return indexes;
    }
}
