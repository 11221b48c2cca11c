using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Reports;

/// <summary>What an ordinary compressor needs for held-out text: the figure that a reader can put beside a model's bits per byte.</summary>
internal static class CompressedText
{
    private const int MostBytes = 1 << 20;

    /// <param name="heldOutFile">Lines with a <c>text</c>.</param>
    /// <returns>Bits per byte of gzip at its smallest, over the beginning of the file; null where there is nothing to read.</returns>
    public static double? BitsPerByte(string heldOutFile)
    {
        if (!File.Exists(heldOutFile)) return null;
        var plain = 0L;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            foreach (var line in RegularFile.ReadLines(heldOutFile))
            {
                using var json = JsonDocument.Parse(line);
                var text = Encoding.UTF8.GetBytes(json.RootElement.GetProperty("text").GetString() ?? "");
                gzip.Write(text);
                plain += text.Length;
                if (plain >= MostBytes) break;
            }
        }
        return plain == 0 ? null : 8.0 * packed.Length / plain;
    }
}
