using System.Text.Json;

namespace Dolmen.Artifacts;

/// <summary>Enum values as recipes spell them: <c>float32</c>, <c>bfloat16</c>, <c>warmupCosine</c>.</summary>
public sealed class RecipeNaming : JsonNamingPolicy
{
    public override string ConvertName(string name) =>
        name.StartsWith("BF", StringComparison.Ordinal) ? name.ToLowerInvariant() : CamelCase.ConvertName(name);
}
