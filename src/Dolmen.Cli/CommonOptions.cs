using System.CommandLine;
using Dolmen.Inference;

namespace Dolmen.Cli;

/// <summary>Options that mean the same on every verb that has them. A fresh instance each: an option belongs to one command.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Put one JSON document on stdout and nothing else." };

    public static Option<string?> Out(string what) => new("--out") { Description = what, HelpName = "DIR" };

    public static Option<long?> Seed() =>
        new("--seed") { Description = "Seed of every random draw; the recipe's when left out.", HelpName = "N" };

    public static Option<int?> Threads() =>
        new("--threads") { Description = "Threads to compute with; all cores when left out.", HelpName = "N" };

    /// <param name="example">A setting that the verb reads.</param>
    public static Option<string[]> Set(string example = "training.precision=float32") => new("--set")
    {
        Description = $"Change one setting of the recipe: --set {example}. May be repeated.",
        HelpName = "PATH=VALUE",
        AllowMultipleArgumentsPerToken = false,
    };

    public static Option<string> Model() =>
        new("--model")
        {
            Description = "A model folder (Hugging Face layout) or a finished run.",
            HelpName = "DIR",
            Required = true,
        };

    /// <summary>May be given several times, with one value each time.</summary>
    public static Option<string[]> Repeated(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, AllowMultipleArgumentsPerToken = false };

    /// <summary>Verbs that run a model take a GGUF file too.</summary>
    public static Option<string> RunnableModel() =>
        new("--model")
        {
            Description = "A model folder (Hugging Face layout), a finished run, or a .gguf file.",
            HelpName = "PATH",
            Required = true,
        };

    /// <summary>Read by <see cref="PrecisionOf"/>.</summary>
    public static Option<string> Precision()
    {
        var option = new Option<string>("--precision")
        {
            Description = "How the model's matrices are kept in memory: stored (as the file has them), float32, bfloat16, int8 or int4.",
            HelpName = "TYPE",
            DefaultValueFactory = _ => "stored",
        };
        option.AcceptOnlyFromAmong([.. Enum.GetNames<WeightPrecision>().Select(name => name.ToLowerInvariant())]);
        return option;
    }

    public static WeightPrecision PrecisionOf(ParseResult parsed, Option<string> precision) =>
        Enum.Parse<WeightPrecision>(parsed.GetRequiredValue(precision), ignoreCase: true);

    /// <summary>Read by <see cref="KvCacheOf"/>.</summary>
    public static Option<string> KvCache()
    {
        var option = new Option<string>("--kv-cache")
        {
            Description = "How keys and values of attention are kept in memory: float32, int16, int8, or automatic (int16 beside int8 "
                + "and int4 matrices, otherwise float32).",
            HelpName = "TYPE",
            DefaultValueFactory = _ => "automatic",
        };
        option.AcceptOnlyFromAmong([.. Enum.GetNames<KvPrecision>().Select(name => name.ToLowerInvariant())]);
        return option;
    }

    public static KvPrecision KvCacheOf(ParseResult parsed, Option<string> kvCache) =>
        Enum.Parse<KvPrecision>(parsed.GetRequiredValue(kvCache), ignoreCase: true);

    /// <summary>Every verb that loads a model has this option; <see cref="CommandRun"/> looks for it.</summary>
    public static Option<bool> Strict() => new(StrictName)
    {
        Description = "Refuse a model folder with tensors or keys that Dolmen does not need, instead of naming and leaving them.",
    };

    public const string StrictName = "--strict";
}
