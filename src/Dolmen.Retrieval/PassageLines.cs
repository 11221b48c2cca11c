namespace Dolmen.Retrieval;

/// <summary>How what is known of a member is written as lines of a passage, <c>Returns: A string.</c>, and how a prompt numbers the lines:
/// <c>[2] Returns: A string.</c> An answer that begins like the line it is taken from says which passage it cites.</summary>
public static class PassageLines
{
    public const string Name = "Name", Summary = "Summary", Returns = "Returns", Throws = "Throws";

    /// <summary>A line with its label; without one where the label is empty.</summary>
    public static string Of(string label, string text) => label.Length > 0 ? $"{label}: {text}" : text;

    /// <summary>The same with the number of its passage, counted from 1.</summary>
    public static string Cited(int passage, string line) => $"[{passage}] {line}";

    /// <summary>What stands behind the label; null where no line has it.</summary>
    public static string? Find(Passage passage, string label)
    {
        if (label == Name) return passage.Title;
        foreach (var line in passage.Text.AsSpan().EnumerateLines())
            if (After(line, label) is { } text) return text;
        return null;
    }

    /// <summary>The number that an answer begins with and the answer behind it, without the label where the passage has that label too; 0
    /// and the answer as it is where it cites no passage of the prompt.</summary>
    public static (int Passage, string Text) Read(string answer, IReadOnlyList<Passage> passages)
    {
        var text = answer.AsSpan().Trim();
        var close = text.IndexOf(']');
        if (close < 2 || text[0] != '[' || !int.TryParse(text[1..close], out var number) || number < 1 || number > passages.Count)
            return (0, text.ToString());
        var cited = text[(close + 1)..].TrimStart();
        var colon = cited.IndexOf(": ");
        if (colon > 0 && Find(passages[number - 1], cited[..colon].ToString()) is not null) cited = cited[(colon + 2)..];
        return (number, cited.Trim().ToString());
    }

    private static string? After(ReadOnlySpan<char> line, string label) =>
        line.StartsWith(label, StringComparison.Ordinal) && line[label.Length..].StartsWith(": ")
            ? line[(label.Length + 2)..].ToString()
            : null;
}
