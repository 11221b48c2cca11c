using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Reports;

/// <summary>What to type once a run is done.</summary>
public static class NextCommands
{
    /// <returns>Each with what it does.</returns>
    public static IReadOnlyList<(string Command, string What)> Explained(PipelineResult result)
    {
        var run = Shown(result.Out);
        (string, string) chat = ($"{CommandName.Shown} chat --model {run}", "Ask it questions in the terminal");
        (string, string) generate = ($"{CommandName.Shown} generate --model {run} --prompt \"The\"", "Let it go on from a text");
        (string, string) serve =
            ($"{CommandName.Shown} serve --model {run}", "Serve it: a page to chat on, and an API for OpenAI's clients");
        (string, string) show = ($"{CommandName.Shown} runs show {run}", "See what it was made of, back to the documents");
        return result.Training.ContainsKey("sft") ? [chat, serve, show] : [generate, serve, show];
    }

    /// <summary>As it would be typed from here: relative when it lies below the current folder, quoted when it holds a blank.</summary>
    public static string Shown(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        if (relative.StartsWith("..", StringComparison.Ordinal)) relative = path;
        return relative.Contains(' ', StringComparison.Ordinal) ? $"\"{relative}\"" : relative;
    }
}
