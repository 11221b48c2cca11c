namespace Dolmen.Data.Languages;

/// <summary>A few hundred characters that stand for a text: from the middles of its longest lines, which are prose where there is any,
/// and without letters of other scripts than its main one where that is asked for.</summary>
internal static class TextSample
{
    /// <summary>Enough to be sure, and a bound on what one document costs.</summary>
    public const int Chars = 1000;
    /// <summary>The most characters of a text that are looked at.</summary>
    private const int MaxChars = 1 << 18;
    private const int MaxLines = 32;
    private const int Several = 3;
    private const int LongestWord = 24;

    /// <summary>As much of a text as is worth looking at.</summary>
    public static ReadOnlySpan<char> Beginning(ReadOnlySpan<char> text) => text[..Math.Min(text.Length, MaxChars)];

    /// <param name="main">The script whose letters are kept; null keeps all.</param>
    /// <returns>How much of <paramref name="sample"/> is filled.</returns>
    public static int Take(ReadOnlySpan<char> text, Script? main, Span<char> sample)
    {
        Span<(int Start, int Length)> lines = stackalloc (int, int)[MaxLines];
        lines = lines[..Longest(Beginning(text), lines)];
        // Takes as few as fill the sample, but several; the shorter ones leave the longer ones what they do not need.
        var (count, chars) = (0, 0);
        while (count < lines.Length && (count < Several || chars < sample.Length)) chars += lines[count++].Length + 1;
        var filled = 0;
        for (var i = count - 1; i >= 0 && filled < sample.Length; i--)
        {
            filled += Copy(Middle(text.Slice(lines[i].Start, lines[i].Length), (sample.Length - filled) / (i + 1)), main, sample[filled..]);
            if (filled < sample.Length) sample[filled++] = '\n';
        }
        return filled;
    }

    private static int Longest(ReadOnlySpan<char> text, Span<(int Start, int Length)> lines)
    {
        var (count, start) = (0, 0);
        while (start < text.Length)
        {
            var length = text[start..].IndexOf('\n');
            if (length < 0) length = text.Length - start;
            if (length > 0 && (count < lines.Length || length > lines[^1].Length))
            {
                var at = count < lines.Length ? count++ : count - 1;
                for (; at > 0 && lines[at - 1].Length < length; at--) lines[at] = lines[at - 1];
                lines[at] = (start, length);
            }
            start += length + 1;
        }
        return count;
    }

    /// <summary>The middle of a line, from the start of a word if one starts soon.</summary>
    private static ReadOnlySpan<char> Middle(ReadOnlySpan<char> line, int quota)
    {
        if (line.Length <= quota) return line;
        if (quota == 0) return [];
        var start = (line.Length - quota) / 2;
        var space = line.Slice(start, Math.Min(LongestWord, quota)).IndexOf(' ');
        return line.Slice(start + space + 1, quota - space - 1);
    }

    private static int Copy(ReadOnlySpan<char> line, Script? main, Span<char> sample)
    {
        if (main is null)
        {
            line.CopyTo(sample);
            return line.Length;
        }
        for (var i = 0; i < line.Length; i++)
        {
            var script = Scripts.Of(line[i]);
            sample[i] = script == Script.Zyyy || script == main ? line[i] : ' ';
        }
        return line.Length;
    }
}
