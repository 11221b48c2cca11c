using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Retrieval;

/// <summary>Passages as a file of JSON lines, in the order in which an index holds them.</summary>
public static class PassageFile
{
    public static void Write(string file, IEnumerable<Passage> passages) =>
        AtomicFile.WriteJsonLines(file, passages, PassageJson.Default.Passage);

    /// <exception cref="UserErrorException">The file is missing or damaged.</exception>
    public static IEnumerable<Passage> Read(string file) =>
        JsonLines.Read(file, PassageJson.Default.Passage).Select(row => row.Value);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(Passage))]
internal sealed partial class PassageJson : JsonSerializerContext;
