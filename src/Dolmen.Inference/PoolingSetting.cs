using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Inference;

/// <summary>Which pooling a model was made for, where its files say: <c>1_Pooling/config.json</c> of sentence-transformers, or GGUF's
/// <c>pooling_type</c>.</summary>
public static class PoolingSetting
{
    private const string File = "1_Pooling/config.json", ModePrefix = "pooling_mode_";

    /// <param name="path">A model folder or a GGUF file.</param>
    /// <returns>Null where the files say nothing.</returns>
    /// <exception cref="UserErrorException">They name one that is not known here.</exception>
    public static Pooling? Of(string path)
    {
        if (ModelFolder.IsGguf(path))
        {
            using var gguf = GgufFile.Open(path);
            return OfGguf(gguf.Metadata);
        }
        var file = Path.Combine(path, File);
        if (!System.IO.File.Exists(file)) return null;
        using var document = JsonInput.Parse(RegularFile.ReadAllBytes(file), File);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw Unknown(File, "is not a JSON object");
        string[] modes = [.. document.RootElement.EnumerateObject()
            .Where(member => member.Name.StartsWith(ModePrefix, StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.True)
            .Select(member => member.Name[ModePrefix.Length..])];
        return modes switch
        {
            [] => null,
            ["mean_tokens"] => Pooling.Mean,
            ["lasttoken"] => Pooling.Last,
            _ => throw Unknown(File, $"asks for {string.Join(" and ", modes)}"),
        };
    }

    private static Pooling? OfGguf(GgufMetadata metadata)
    {
        var key = $"{metadata.Text("general.architecture")}.pooling_type";
        if (!metadata.Has(key)) return null;
        return metadata.Int32(key) switch
        {
            0 => null,
            1 => Pooling.Mean,
            3 => Pooling.Last,
            var other => throw Unknown(key, $"is {other}"),
        };
    }

    private static UserErrorException Unknown(string what, string problem) => new(
        $"{what} of the model {problem}: only the mean of all tokens and the last token are known here. " +
        "Say which you want in the field 'pooling' (mean or last).");
}
