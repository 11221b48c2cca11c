using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Inference.Constraints;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>The one model a server answers for, under the name clients ask for it by.</summary>
public sealed record ServedModel(string Name, LanguageModel Model, Tokenizer Tokenizer)
{
    /// <summary>Changes with whatever may change the answers to a seeded request.</summary>
    public string Fingerprint { get; } =
        "fp_" + StableHash.Sha256($"{typeof(ServedModel).Assembly.GetName().Version}\n{Name}\n{Model.Config}")[..10];

    /// <summary>Further names that clients may ask for it by.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Sampling where a request does not say.</summary>
    public SamplingDefaults Defaults { get; init; } = new(Temperature: 1);

    /// <summary>Forms of answers that requests asked for, compiled.</summary>
    internal ConstraintCache Constraints { get; } = new(Tokenizer);

    /// <summary>Where the model lies: kept out of what clients are told.</summary>
    public string? Folder { get; init; }

    public bool AnswersTo(string name) => name == Name || Aliases.Contains(name, StringComparer.Ordinal);

    /// <summary>A message with files named as in the model's folder.</summary>
    internal string WithoutPaths(string message) =>
        Folder is { } folder ? message.Replace(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, "") : message;

    /// <summary>What to call the model of a folder: the folder's name, or that of the run whose <c>model</c> it is.</summary>
    public static string NameOf(string modelDirectory)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelDirectory)));
        return folder is { Name: "model", Parent: { } run } ? run.Name : folder.Name;
    }
}

/// <param name="MaxBodyBytes">A longer request is refused unread.</param>
/// <param name="AllowedHosts">Names that a request's Host header may have besides loopback names and the address it came to; <c>*</c> for
/// any.</param>
/// <param name="CorsOrigins">Web sites that may call the server from a browser, such as <c>https://chat.example</c>; <c>*</c> for
/// any.</param>
/// <param name="MaxWaiting">Requests that may wait for their turn; more are told to come back.</param>
/// <param name="DrainSeconds">How long running requests may go on after the server was told to stop.</param>
public sealed record ServerOptions(int MaxBodyBytes = 1 << 20, int MaxWaiting = 64, double DrainSeconds = 30,
    IReadOnlyList<string>? AllowedHosts = null, IReadOnlyList<string>? CorsOrigins = null)
{
    /// <exception cref="UserErrorException">One of them is out of its range, or not of its form.</exception>
    public void Validate()
    {
        if (MaxBodyBytes < 1)
            throw new UserErrorException($"--max-body is {MaxBodyBytes}: it must be at least 1. The default is {1 << 20}.");
        if (MaxWaiting < 1)
            throw new UserErrorException($"--max-waiting is {MaxWaiting}: it must be at least 1, the request that is answered.");
        foreach (var host in AllowedHosts ?? [])
        {
            if (host != "*" && Uri.CheckHostName(host.TrimStart('[').TrimEnd(']')) == UriHostNameType.Unknown)
                throw new UserErrorException(
                    $"--allowed-hosts is '{host}': it must be a name or an address without a port, such as chat.example, or *."
                );
        }
        foreach (var origin in CorsOrigins ?? [])
        {
            if (origin is "*" or "null" || (Uri.TryCreate(origin, UriKind.Absolute, out var site) && site.PathAndQuery is "/" or ""))
                continue;
            throw new UserErrorException(
                $"--cors is '{origin}': it must be a web site's scheme, name and port, such as https://chat.example, or *."
            );
        }
    }
}
