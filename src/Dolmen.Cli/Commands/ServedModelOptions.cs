using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

/// <summary>The options of <c>serve</c> that say which models it has, under which names, and for how long each stays in memory.</summary>
internal sealed class ServedModelOptions
{
    private readonly Option<string[]> _model = CommonOptions.Repeated("--model",
        "A model folder (Hugging Face layout), a finished run, or a .gguf file. Repeated, each is loaded when a request first asks for it.",
        "PATH");

    private readonly Option<string?> _directory = new("--models-dir")
    {
        Description = "A folder whose subfolders and .gguf files are models, each loaded when a request first asks for it.",
        HelpName = "DIR",
    };

    private readonly Option<string[]> _name = CommonOptions.Repeated("--name",
        "Name that clients ask for the model by; the folder's when left out. Repeated, one for each --model in their order.", "NAME");

    private readonly Option<string[]> _alias = CommonOptions.Repeated("--alias",
        "A further name for the model; ALIAS=NAME where there are several models. May be repeated.", "NAME");

    private readonly Option<double> _idle = new("--idle")
    {
        Description = "Drop a model from memory that no request has used for so many seconds; 0 keeps it.", HelpName = "SECONDS",
        DefaultValueFactory = _ => 0,
    };

    private readonly Option<int?> _memory = new("--model-memory")
    {
        Description = "Megabytes for the weights of all models together: the least recently used is dropped for another. Half of the " +
            "machine's memory when left out.", HelpName = "MB",
    };

    private readonly Option<string> _precision = CommonOptions.Precision();
    private readonly Option<string> _kvCache = CommonOptions.KvCache();
    private readonly Option<int?> _threads = CommonOptions.Threads();
    private readonly SpeculationFlags _speculation = new();
    private readonly DocumentsFlags _documents = new();

    public void AddTo(Command command)
    {
        Option[] options = [_model, _directory, _name, _alias, _precision, _kvCache, _threads, _idle, _memory];
        foreach (var option in options) command.Add(option);
        _documents.AddTo(command);
        _speculation.AddTo(command);
    }

    public ServerOptions Limits(ParseResult parsed, ServerOptions options) => options with
    {
        IdleSeconds = parsed.GetValue(_idle),
        // One model is served however large it is, unless a limit was asked for.
        ModelBytes = parsed.GetValue(_memory) is { } megabytes ? (long)megabytes << 20
            : IsOne(parsed) ? long.MaxValue : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2,
    };

    /// <exception cref="UserErrorException">No model is named, one of them does not exist, or names and models do not go
    /// together.</exception>
    public IReadOnlyList<ModelSource> Sources(ParseResult parsed)
    {
        var (paths, names, aliases) = (parsed.GetValue(_model) ?? [], parsed.GetValue(_name) ?? [], parsed.GetValue(_alias) ?? []);
        var (threads, precision) = (parsed.GetValue(_threads), CommonOptions.PrecisionOf(parsed, _precision));
        var kept = CommonOptions.KvCacheOf(parsed, _kvCache);
        if (names.Length > paths.Length)
        {
            throw new UserErrorException(
                $"--name is given {names.Length} times and --model {paths.Length} times: each name is for the --model in the same place.");
        }
        var sources = paths.Select((path, i) => ModelSource.At(path, names.ElementAtOrDefault(i),
            AliasesOf(names.ElementAtOrDefault(i) ?? ServedModel.NameOf(path), aliases, IsOne(parsed)), threads, precision, kept)).ToList();
        if (parsed.GetValue(_directory) is { } directory)
        {
            sources.AddRange(ModelSource.In(directory, threads, precision, kept)
                .Select(source => source with { Aliases = AliasesOf(source.Name, aliases, isOne: false) }));
        }
        if (sources.Count == 0)
            throw new UserErrorException("No model was named to serve: name one with --model, or a folder of models with --models-dir.");
        foreach (var alias in aliases.Where(alias => !sources.Exists(source => IsOne(parsed) || IsFor(alias, source.Name))))
        {
            throw new UserErrorException($"--alias is '{alias}', which does not say for which model: there are several, so write " +
                $"ALIAS=NAME, such as '{alias.Split('=')[0]}={sources[0].Name}'.");
        }
        _speculation.Check(parsed, sources.Count);
        _documents.Check(parsed);
        return sources.ConvertAll(source => source with
        {
            Load = () => _speculation.AddTo(source.Load(), parsed, threads), Documents = _documents.FileOr(parsed, source.Documents),
        });
    }

    private bool IsOne(ParseResult parsed) => parsed.GetValue(_directory) is null && parsed.GetValue(_model) is not { Length: > 1 };

    private static string[] AliasesOf(string name, string[] aliases, bool isOne) =>
        isOne ? aliases : [.. aliases.Where(alias => IsFor(alias, name)).Select(alias => alias[..^(name.Length + 1)])];

    private static bool IsFor(string alias, string name) =>
        alias.Length > name.Length + 1 && alias.EndsWith("=" + name, StringComparison.Ordinal);
}
