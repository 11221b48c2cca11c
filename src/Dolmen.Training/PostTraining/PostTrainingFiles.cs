using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Training.PostTraining;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Conversation))]
[JsonSerializable(typeof(PreferencePair))]
internal sealed partial class PostTrainingJson : JsonSerializerContext;

internal static class PostTrainingFiles
{
    /// <summary>One JSON value a line; empty lines are skipped.</summary>
    public static IEnumerable<T> Read<T>(string path, JsonTypeInfo<T> type)
    {
        if (!File.Exists(path)) throw new UserErrorException($"{path} does not exist: name a file of JSON lines.");
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            T? value;
            try
            {
                value = JsonSerializer.Deserialize(line, type);
            }
            catch (JsonException error)
            {
                throw new UserErrorException($"{path}, line {number}: {error.Message} Correct the line or remove it.", error);
            }
            yield return value ?? throw new UserErrorException($"{path}, line {number} is null: each line is one object.");
        }
    }
}
