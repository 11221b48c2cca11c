using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;

namespace Dolmen.Data.Mixing;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    MaxDepth = 8
)]
[JsonSerializable(typeof(MixRecipe))]
[JsonSerializable(typeof(MixReport))]
internal sealed partial class MixJson : JsonSerializerContext;

/// <summary>A recipe in JSON with comments, and single settings on top of it.</summary>
public static class MixRecipeFile
{
    private const long MaxBytes = 1 << 20;

    public static JsonTypeInfo Contract => MixJson.Default.MixRecipe;

    /// <param name="file">Null for a recipe of nothing but defaults.</param>
    /// <param name="sets"><c>path=value</c>, such as <c>alpha=0.5</c> or <c>sources.wiki=2</c>.</param>
    /// <exception cref="UserErrorException">The file is missing or wrong, or a setting is.</exception>
    public static MixRecipe Load(string? file, IReadOnlyList<string> sets)
    {
        var tree = file is null ? [] : Read(file);
        foreach (var set in sets) RecipeTree.Set(tree, set, MixJson.Default.MixRecipe);
        var recipe = RecipeTree.Bind(tree, MixJson.Default.MixRecipe, file ?? "--set");
        recipe.ThrowIfInvalid();
        return recipe;
    }

    private static JsonObject Read(string file)
    {
        if (!File.Exists(file))
            throw new UserErrorException(
                $"--recipe {file} {(Directory.Exists(file) ? "is a folder" : "does not exist")}: name a .jsonc file, or leave it out and "
                    + $"use --set."
            );
        try
        {
            if (new FileInfo(file).Length > MaxBytes)
                throw new UserErrorException($"--recipe {file} has more than {MaxBytes >> 20} MB: that is not a recipe.");
            return RecipeTree.Parse(RegularFile.ReadAllText(file), file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--recipe {file} cannot be read: {error.Message} Correct it.", error);
        }
    }
}
