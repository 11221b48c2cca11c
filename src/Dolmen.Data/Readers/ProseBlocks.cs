namespace Dolmen.Data.Readers;

/// <summary>The paragraphs of a section that are running prose: no lists, tables, quotes of code or headings.</summary>
internal static class ProseBlocks
{
    public static IEnumerable<string> Of(string text)
    {
        var fence = new Fence();
        foreach (var block in text.ReplaceLineEndings("\n").Split("\n\n"))
        {
            var isCode = fence.IsOpen;
            foreach (var line in block.Split('\n')) fence.Pass(line);
            if (!isCode && IsProse(block)) yield return InlineMarkdown.Plain(block.Trim());
        }
    }

    /// <summary>Whether a block without blank lines opens as prose does.</summary>
    public static bool IsProse(ReadOnlySpan<char> block)
    {
        if (block.StartsWith("    ") || block.StartsWith("\t")) return false;
        block = block.TrimStart();
        if (block.IsEmpty || block[0] is '|' or '>' or '#' or '<' or '{' or '}' or '$' or '%' or '=' or '+' or '\\' or '/') return false;
        if (block.StartsWith("```") || block.StartsWith("~~~") || block.StartsWith("---") || block.StartsWith("***")) return false;
        if (block[0] is '-' or '*' or '•' or '–' && block.Length > 1 && block[1] is ' ' or '\t') return false;
        var digits = 0;
        while (digits < block.Length && char.IsAsciiDigit(block[digits])) digits++;
        return digits is 0 or > 3 || digits + 1 >= block.Length || block[digits] is not ('.' or ')') || block[digits + 1] != ' ';
    }
}
