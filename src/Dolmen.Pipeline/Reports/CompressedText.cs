using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;

namespace Dolmen.Pipeline.Reports;

/// <summary>What an ordinary compressor needs for held-out text: the figure that a reader can put beside a model's bits per byte.</summary>
internal static class CompressedText
{
    private const int MostBytes = 1 << 20;

    /// <returns>Bits per byte of gzip at its smallest, over the beginning of the held-out text; null where there is none.</returns>
    /// <exception cref="UserErrorException">A line of the held-out text is not one.</exception>
    public static double? BitsPerByte(string corpus)
    {
        if (!File.Exists(Path.Combine(corpus, CorpusFolder.HeldOut))) return null;
        var plain = 0L;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            foreach (var held in CorpusText.ReadHeldOut(corpus))
            {
                var text = Encoding.UTF8.GetBytes(held);
                gzip.Write(text);
                plain += text.Length;
                if (plain >= MostBytes) break;
            }
        }
        return plain == 0 ? null : 8.0 * packed.Length / plain;
    }
}
