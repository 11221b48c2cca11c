using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Web.Crawling;

/// <summary>The names of a collection's files, one a line, as Common Crawl publishes them.</summary>
internal static class PathListing
{
    public const int MaxBytes = 256 << 20;
    private const int MaxNameChars = 1000;

    /// <exception cref="UserErrorException">A name would be written outside the folder, or the listing is none.</exception>
    public static List<string> Read(ReadOnlyMemory<byte> file, string from)
    {
        if (file.Span is [0x1F, 0x8B, ..])
        {
            file = ContentCoding.Undo(file, "gzip", MaxBytes);
            if (file.Length == MaxBytes)
                throw new UserErrorException($"{from} unfolds to more than {MaxBytes >> 20} MB: split the listing.");
        }
        var names = new List<string>();
        foreach (var line in Encoding.UTF8.GetString(file.Span).AsSpan().EnumerateLines())
        {
            var name = line.Trim();
            if (name.IsEmpty) continue;
            if (!StaysInside(name.ToString()))
            {
                throw new UserErrorException(
                    $"{from} lists '{(name.Length > 200 ? name[..200] : name)}' in line {names.Count + 1}, which is not the name of a file "
                        + "below a folder: nothing was fetched. Names are relative, with '/' between their parts, without '..'."
                );
            }
            names.Add(name.ToString());
        }
        if (names.Count == 0) throw new UserErrorException($"{from} lists no file.");
        return names;
    }

    /// <exception cref="UserErrorException">The selection cannot be read or takes nothing.</exception>
    public static List<string> Select(List<string> names, string? select, int? most)
    {
        IEnumerable<string> taken = names;
        if (select?.Trim() is { Length: > 0 } wish)
        {
            var lines = new List<(int First, int Last, int Step)>();
            if (
                wish.StartsWith("every", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(wish.AsSpan(5).Trim(" :-"), out var step)
                && step > 0
            )
                lines.Add((1, names.Count, step));
            else
            {
                foreach (var part in wish.Split(','))
                {
                    var ends = part.Split('-', 2);
                    if (!int.TryParse(ends[0], out var first) || !int.TryParse(ends[^1], out var last) || first < 1 || last < first)
                        throw new UserErrorException(
                            $"--select '{select}' cannot be read: write 'every 100', or lines and ranges of lines from 1 on like '1-5,8'."
                        );
                    lines.Add((first, last, 1));
                }
            }
            taken = names.Where(
                (_, i) => lines.Exists(range => i + 1 >= range.First && i + 1 <= range.Last && (i + 1 - range.First) % range.Step == 0)
            );
        }
        var chosen = taken.Distinct(StringComparer.Ordinal).Take(most ?? int.MaxValue).ToList();
        return chosen.Count > 0
            ? chosen
            : throw new UserErrorException($"--select '{select}' takes none of the {names.Count} listed files.");
    }

    private static bool StaysInside(string name) => name.Length <= MaxNameChars && name.AsSpan().IndexOfAny("\\:\0?#") < 0
        && Array.TrueForAll(name.Split('/'), part => part.Length is > 0 and < 256 && part is not ("." or "..") && !part.Any(char.IsControl)
            && !part.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal));
}
