using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Reports;

/// <summary>What to type once a run is done.</summary>
public static class NextCommands
{
    public static IReadOnlyList<string> Of(PipelineResult result)
    {
        var model = Shown(result.Model);
        return
        [
            $"{CommandName.Shown} chat --model {model}",
            // The line break ends the heading, as it does in the texts the model learned from: the answer begins in the next line.
            $"{CommandName.Shown} generate --model {model} --escapes --prompt \"## System.String.Trim()\\n\"",
            $"{CommandName.Shown} serve --model {model}",
        ];
    }

    /// <summary>As it would be typed from here: relative when it lies below the current folder, quoted when it holds a blank.</summary>
    public static string Shown(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        if (relative.StartsWith("..", StringComparison.Ordinal)) relative = path;
        return relative.Contains(' ', StringComparison.Ordinal) ? $"\"{relative}\"" : relative;
    }
}
