using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>How a model folder says that its texts are generated. Keys of generation_config.json that are not here are kept when the model
/// is exported and have no other effect.</summary>
/// <param name="Ends">Every id of <c>eos_token_id</c>, which may be one id or a list, in config.json and generation_config.json.</param>
public sealed record GenerationSettings(IReadOnlyList<int> Ends)
{
    public const string FileName = "generation_config.json";

    internal const long MaxBytes = 1 << 20;

    /// <summary>GGUF's ends of a turn and of a message, where the model came from such a file.</summary>
    public int? EndOfTurn { get; init; }

    /// <inheritdoc cref="EndOfTurn"/>
    public int? EndOfMessage { get; init; }

    /// <summary>False means greedy, as it does to transformers; null where the file does not say.</summary>
    public bool? DoSample { get; init; }

    public double? Temperature { get; init; }

    public int? TopK { get; init; }

    public double? TopP { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public int? MaxNewTokens { get; init; }

    public int? MinNewTokens { get; init; }

    /// <summary>Ids that are never drawn.</summary>
    public IReadOnlyList<int> Suppressed { get; init; } = [];

    /// <summary>All ids at which a text ends.</summary>
    public IEnumerable<int> AllEnds => Ends.Concat(new[] { EndOfTurn, EndOfMessage }.OfType<int>());

    /// <exception cref="UserErrorException">One of the files is damaged.</exception>
    public static GenerationSettings Load(string folder)
    {
        var special = HuggingFaceFolder.LoadSpecialTokenIds(folder);
        int[] ends = special.ConfigEnds is { } several ? [.. several] : special.Eos is { } one ? [one] : [];
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return new GenerationSettings(ends);
        using var document = HuggingFaceConfig.Open(path);
        var fields = new ConfigFields(path, document.RootElement);
        return new GenerationSettings([.. ends.Concat(fields.Ids("eos_token_id")).Distinct()])
        {
            EndOfTurn = fields.FirstId("eot_token_id"), EndOfMessage = fields.FirstId("eom_token_id"),
            DoSample = fields.Present("do_sample", out _) ? fields.Flag("do_sample") : null,
            Temperature = fields.NumberOrNull("temperature"), TopK = fields.WholeOrNull("top_k"), TopP = fields.NumberOrNull("top_p"),
            MinP = fields.NumberOrNull("min_p"), RepetitionPenalty = fields.NumberOrNull("repetition_penalty"),
            MaxNewTokens = fields.WholeOrNull("max_new_tokens"), MinNewTokens = fields.WholeOrNull("min_new_tokens"),
            Suppressed = fields.Ids("suppress_tokens"),
        };
    }

    /// <summary>Writes the file as it was in the folder the model came from, or the ids alone.</summary>
    internal static void Write(string path, SpecialTokenIds special)
    {
        if (special.Generation is { } kept)
        {
            AtomicFile.Write(path, stream => stream.Write(kept.Span));
            return;
        }
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            writer.WriteStartObject();
            if (special.Bos is { } bos) writer.WriteNumber("bos_token_id", bos);
            if (special.EndOfMessage is { } message) writer.WriteNumber("eom_token_id", message);
            WriteIds(writer, "eos_token_id", [.. special.AllEnds.Distinct()]);
            if (special.EndOfTurn is { } turn) writer.WriteNumber("eot_token_id", turn);
            if (special.Pad is { } pad) writer.WriteNumber("pad_token_id", pad);
            WriteIds(writer, "suppress_tokens", special.Suppressed);
            writer.WriteEndObject();
        });
    }

    private static void WriteIds(Utf8JsonWriter writer, string name, IReadOnlyList<int> ids)
    {
        if (ids.Count == 0) return;
        writer.WriteStartArray(name);
        foreach (var id in ids) writer.WriteNumberValue(id);
        writer.WriteEndArray();
    }
}
