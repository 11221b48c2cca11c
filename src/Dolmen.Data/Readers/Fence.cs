namespace Dolmen.Data.Readers;

/// <summary>Whether a line of Markdown stands in a fenced block of code; the lines are passed in order.</summary>
internal struct Fence
{
    private string? _mark;

    /// <summary>The last line passed opened a block or stands in one.</summary>
    public readonly bool IsOpen => _mark is not null;

    public void Pass(ReadOnlySpan<char> line)
    {
        var trimmed = line.TrimStart();
        if (_mark is { } mark)
        {
            if (trimmed.StartsWith(mark)) _mark = null;
        }
        else if (trimmed.StartsWith("```")) _mark = "```";
        else if (trimmed.StartsWith("~~~")) _mark = "~~~";
    }
}
