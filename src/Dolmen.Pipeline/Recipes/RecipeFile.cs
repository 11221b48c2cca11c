using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;
using Dolmen.Evaluation;

namespace Dolmen.Pipeline.Recipes;

/// <summary>What a command line changes of a recipe. Overrides by <c>--set</c> come last.</summary>
/// <param name="Portable">Takes the layers that only Dolmen has out of the model, so that other software runs it too.</param>
public sealed record RecipeChanges(
    double? Minutes = null,
    ulong? Seed = null,
    IReadOnlyList<string>? Inputs = null,
    IReadOnlyList<string>? Set = null,
    bool Portable = false
);

/// <summary>Recipes as files (JSON with comments) and as records.</summary>
public static class RecipeFile
{
    /// <summary>Below this many minutes the default model would see too little text, and a smaller one learns more.</summary>
    public const double SmallModelMinutes = 3;

    private const int SmallDepth = 2;
    internal const string ExtendsKey = "extends";
    private const long MostBytes = 4 << 20;

    /// <summary>Reads, changes, binds and validates.</summary>
    /// <param name="nameOrPath">A file, or a built-in recipe's name.</param>
    /// <param name="notices">What was decided on the user's behalf.</param>
    /// <exception cref="UserErrorException">Everything that is wrong, one problem a line.</exception>
    public static PipelineRecipe Load(string nameOrPath, RecipeChanges changes, Action<string>? notices = null)
    {
        var (text, source) = Read(nameOrPath);
        var tree = Extended(RecipeTree.Parse(text, source), source);
        if (RecipeKind.Of(tree) is { } kind && kind.Contract != Contract)
        {
            var use = $"{CommandName.Shown} {string.Format(CultureInfo.InvariantCulture, kind.Use, nameOrPath)}";
            throw new UserErrorException($"{source} is a recipe of a {kind.Name}, and a pipeline's is needed here. Use it with: {use}");
        }
        ThrowIfAny([.. RecipeTree.UnknownKeys(tree, Contract).Select(problem => $"{problem} ({source})")]);
        Apply(tree, changes, notices);
        var recipe = RecipeTree.Bind(tree, RecipeJson.Default.PipelineRecipe, source);
        ThrowIfAny([.. recipe.Validate().Select(problem => $"{problem} ({RecipeTree.Origin(problem, source, changes.Set)})")]);
        // Paths in a file are relative to where the command runs, as those on a command line are; recorded, they must not be.
        return recipe with { Inputs = [.. recipe.Inputs.Select(Path.GetFullPath)] };
    }

    public static string ToJson(PipelineRecipe recipe) => JsonSerializer.Serialize(recipe, RecipeJson.Default.PipelineRecipe);

    public static JsonObject ToTree(PipelineRecipe recipe) =>
        JsonSerializer.SerializeToNode(recipe, RecipeJson.Default.PipelineRecipe)?.AsObject()
        ?? throw new InvalidOperationException("A recipe is an object.");

    public static JsonObject ToTree(EvaluationRecipe recipe) =>
        JsonSerializer.SerializeToNode(recipe, RecipeJson.Default.EvaluationRecipe)?.AsObject()
        ?? throw new InvalidOperationException("A recipe is an object.");

    public static string Schema(RecipeKind kind)
    {
        var schema = kind.Contract.GetJsonSchemaAsNode(new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true });
        if (kind.Contract == Contract && schema["properties"] is JsonObject properties)
            properties[ExtendsKey] = new JsonObject
            {
                ["type"] = "string",
                ["description"] = "A built-in recipe whose settings hold where this one says nothing.",
            };
        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    internal static JsonTypeInfo Contract => RecipeJson.Default.PipelineRecipe;

    internal static (string Text, string Source) Read(string nameOrPath)
    {
        if (Directory.Exists(nameOrPath))
            throw new UserErrorException(
                $"{nameOrPath} is a folder: a recipe is a file. Name {Path.Combine(nameOrPath, "recipe.resolved.jsonc")} to repeat a run."
            );
        if (File.Exists(nameOrPath))
        {
            var size = new FileInfo(nameOrPath).Length;
            if (size > MostBytes) throw new UserErrorException($"{nameOrPath} has {size} bytes: a recipe has at most {MostBytes}.");
            return (RegularFile.ReadAllText(nameOrPath), nameOrPath);
        }
        if (BuiltInRecipes.Find(nameOrPath) is { } builtIn) return (builtIn, $"recipes/{nameOrPath}.jsonc");
        var near = NearestName.Of(nameOrPath, BuiltInRecipes.Names) is { } name ? $" Did you mean '{name}'?" : "";
        throw new UserErrorException(
            $"there is no recipe file '{nameOrPath}', and no built-in recipe of that name.{near} Built in: "
                + $"{string.Join(", ", BuiltInRecipes.Names)}."
        );
    }

    /// <summary>A recipe that <c>extends</c> a built-in one says only what differs; <c>model</c> is replaced whole, for its keys hang
    /// together.</summary>
    private static JsonObject Extended(JsonObject tree, string source, int depth = 0)
    {
        const int mostSteps = 4;
        if (!tree.ContainsKey(ExtendsKey))
            return tree;
        var name =
            tree[ExtendsKey] is JsonValue value && value.TryGetValue<string>(out var text)
                ? text
                : tree[ExtendsKey]?.ToJsonString() ?? "null";
        tree.Remove(ExtendsKey);
        if (depth == mostSteps)
            throw new UserErrorException(
                $"extends is '{name}': more than {mostSteps} recipes extend each other. Say more in this one. ({source})"
            );
        var parent =
            BuiltInRecipes.Find(name)
            ?? throw new UserErrorException(
                $"extends is '{name}': it must be a built-in recipe, one of {string.Join(", ", BuiltInRecipes.Pipelines)}. ({source})"
            );
        var merged = Extended(RecipeTree.Parse(parent, $"recipes/{name}.jsonc"), source, depth + 1);
        RecipeTree.Merge(merged, tree, whole: "model");
        return merged;
    }

    private static void Apply(JsonObject tree, RecipeChanges changes, Action<string>? notices)
    {
        if (changes.Seed is { } seed) tree["seed"] = seed;
        if (changes.Portable && tree["model"] is JsonObject plan) ModelRecipe.MakePortable(plan);
        if (changes.Inputs is { Count: > 0 } inputs) tree["inputs"] = new JsonArray([.. inputs.Select(input => JsonValue.Create(input))]);
        if (changes.Minutes is { } minutes)
        {
            tree["minutes"] = minutes;
            if (minutes < SmallModelMinutes && tree["model"] is JsonObject model && model["depth"] is JsonValue depth
                && depth.TryGetValue<int>(out var wanted) && wanted > SmallDepth)
            {
                model["depth"] = SmallDepth;
                notices?.Invoke(
                    $"minutes is {minutes}, too little for a model of depth {wanted}: taking depth {SmallDepth}. With {SmallModelMinutes} "
                        + $"minutes or more the recipe's is kept."
                );
            }
        }
        foreach (var assignment in changes.Set ?? []) RecipeTree.Set(tree, assignment, Contract);
        FollowContext(tree, changes.Set ?? [], notices);
    }

    /// <summary>Rows of pretraining become shorter with a context that a command line shortens.</summary>
    private static void FollowContext(JsonObject tree, IReadOnlyList<string> set, Action<string>? notices)
    {
        const string context = "contextLength";
        bool Sets(string part) => set.Any(assignment => assignment.StartsWith($"{part}.{context}=", StringComparison.Ordinal));
        if (!Sets("training") || Sets("base")) return;
        if (tree["training"]?[context] is not JsonValue training || !training.TryGetValue<int>(out var most)) return;
        if (tree["base"]?[context] is not JsonValue rows || !rows.TryGetValue<int>(out var wanted) || wanted <= most) return;
        tree["base"]![context] = 0;
        notices?.Invoke($"base.{context} is {wanted}, longer than training.{context}: rows of pretraining have {most} tokens too.");
    }

    private static void ThrowIfAny(IReadOnlyList<string> problems)
    {
        if (problems.Count > 0) throw new UserErrorException(string.Join('\n', problems));
    }
}
