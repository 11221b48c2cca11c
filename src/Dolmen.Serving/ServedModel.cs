using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>The one model a server answers for, under the name clients ask for it by.</summary>
public sealed record ServedModel(string Name, LanguageModel Model, Tokenizer Tokenizer)
{
    /// <summary>Changes with whatever may change the answers to a seeded request.</summary>
    public string Fingerprint { get; } =
        "fp_" + StableHash.Sha256($"{typeof(ServedModel).Assembly.GetName().Version}\n{Name}\n{Model.Config}")[..10];

    /// <summary>What to call the model of a folder: the folder's name, or that of the run whose <c>model</c> it is.</summary>
    public static string NameOf(string modelDirectory)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelDirectory)));
        return folder is { Name: "model", Parent: { } run } ? run.Name : folder.Name;
    }
}

/// <param name="MaxBodyBytes">A longer request is refused unread.</param>
/// <param name="MaxWaiting">Requests that may wait for their turn; more are told to come back.</param>
/// <param name="DrainSeconds">How long running requests may go on after the server was told to stop.</param>
public sealed record ServerOptions(int MaxBodyBytes = 1 << 20, int MaxWaiting = 64, double DrainSeconds = 30);
