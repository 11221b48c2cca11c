using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Retrieval;

namespace Dolmen.Cli.Commands;

/// <summary>The options that say which documents answers come from.</summary>
internal sealed class DocumentsFlags
{
    private readonly Option<string?> _documents = new("--documents")
    {
        Description = "Answer from the documents of this run or index file. Those of the model's own run when left out.",
        HelpName = "PATH",
    };

    private readonly Option<bool> _none = new("--no-documents")
    {
        Description = "Answer without documents, from what the model has learned.",
    };

    public void AddTo(Command command)
    {
        command.Add(_documents);
        command.Add(_none);
    }

    /// <summary>The index file to answer from; null for none.</summary>
    /// <param name="own">That of the model's own run.</param>
    /// <exception cref="UserErrorException">The index that was named does not exist, or both options are given.</exception>
    public string? FileOr(ParseResult parsed, string? own)
    {
        var (path, none) = (parsed.GetValue(_documents), parsed.GetValue(_none));
        if (path is not null && none)
            throw new UserErrorException($"--documents is '{path}' and --no-documents is given too: leave one of them out.");
        return none ? null : path is null ? own : IndexPlace.Named(path);
    }

    /// <summary>Opens the index that was named, and closes it: what is wrong with it is known before a model is loaded.</summary>
    /// <exception cref="UserErrorException">It is missing, damaged, or not an index.</exception>
    public void Check(ParseResult parsed)
    {
        if (parsed.GetValue(_documents) is not null && FileOr(parsed, own: null) is { } file) DocumentIndex.Open(file).Dispose();
    }
}
