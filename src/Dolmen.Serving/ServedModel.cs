using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Inference.Constraints;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>A loaded model under the name that clients ask for it by.</summary>
public sealed record ServedModel(string Name, LanguageModel Model, Tokenizer Tokenizer)
{
    /// <summary>Changes with whatever may change the answers to a seeded request.</summary>
    public string Fingerprint { get; } =
        "fp_" + StableHash.Sha256($"{typeof(ServedModel).Assembly.GetName().Version}\n{Name}\n{Model.Config}")[..10];

    /// <summary>Further names that clients may ask for it by.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Sampling where a request does not say.</summary>
    public SamplingDefaults Defaults { get; init; } = new(Temperature: 1);

    /// <summary>How tokens are guessed, by a draft model that belongs to it where there is one; null where none are.</summary>
    public Speculation? Speculation { get; init; }

    /// <summary>What one request may ask for.</summary>
    public RequestLimits Limits { get; init; } = new();

    /// <summary>Forms of answers that requests asked for, compiled.</summary>
    internal ConstraintCache Constraints { get; } = new(Tokenizer);

    /// <summary>The documents that chats are answered from, unless a request says otherwise; null where there are none.</summary>
    public DocumentIndex? Documents { get; init; }

    /// <summary>Where the model lies: kept out of what clients are told.</summary>
    public string? Folder { get; init; }

    /// <summary>How vectors are made of texts where a request does not say: as the model's files say, or by the mean.</summary>
    /// <exception cref="UserErrorException">The files name a way that is not known here.</exception>
    internal Pooling Pooling => _pooling ??= (Folder is null ? null : PoolingSetting.Of(Folder)) ?? Checkpoints.Pooling.Mean;

    private Pooling? _pooling;

    public bool AnswersTo(string name) => name == Name || Aliases.Contains(name, StringComparer.Ordinal);

    /// <summary>A message with files named as in the model's folder, and the index by its name alone.</summary>
    internal string WithoutPaths(string message) => WithoutPaths(message, Folder, Documents?.Path);

    /// <inheritdoc cref="WithoutPaths(string)"/>
    internal static string WithoutPaths(string message, string? folder, string? documents)
    {
        if (documents is not null) message = message.Replace(documents, Path.GetFileName(documents));
        if (folder is null) return message;
        folder = Path.TrimEndingDirectorySeparator(folder);
        return message.Replace(folder + Path.DirectorySeparatorChar, "").Replace(folder, Path.GetFileName(folder));
    }

    /// <summary>What to call the model of a folder: the folder's name, or that of the run whose <c>model</c> it is.</summary>
    public static string NameOf(string modelDirectory)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelDirectory)));
        return folder is { Name: "model", Parent: { } run } ? run.Name : folder.Name;
    }
}
