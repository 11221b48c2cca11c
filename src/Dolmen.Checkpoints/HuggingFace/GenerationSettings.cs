using System.Globalization;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>How a model folder says that its texts are generated. Keys of generation_config.json that are not here are kept when the model
/// is exported and have no other effect; those that would change the text are named when the file is read.</summary>
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

    public double? TypicalP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public int? MaxNewTokens { get; init; }

    public int? MinNewTokens { get; init; }

    /// <summary>Ids that are never drawn.</summary>
    public IReadOnlyList<int> Suppressed { get; init; } = [];

    /// <summary>Texts at which a text ends.</summary>
    public IReadOnlyList<string> Stops { get; init; } = [];

    /// <summary>All ids at which a text ends.</summary>
    public IEnumerable<int> AllEnds => Ends.Concat(new[] { EndOfTurn, EndOfMessage }.OfType<int>());

    /// <summary>Keys by which transformers changes what is generated and Dolmen does not, each with the value that changes
    /// nothing.</summary>
    private static readonly (string Key, string Neutral)[] Unsupported =
    [
        ("num_beams", "1"),
        ("num_beam_groups", "1"),
        ("diversity_penalty", "0"),
        ("constraints", ""),
        ("force_words_ids", ""),
        ("penalty_alpha", "0"),
        ("no_repeat_ngram_size", "0"),
        ("encoder_no_repeat_ngram_size", "0"),
        ("encoder_repetition_penalty", "1"),
        ("bad_words_ids", ""),
        ("begin_suppress_tokens", ""),
        ("forced_bos_token_id", ""),
        ("forced_eos_token_id", ""),
        ("forced_decoder_ids", ""),
        ("sequence_bias", ""),
        ("exponential_decay_length_penalty", ""),
        ("min_length", "0"),
        ("epsilon_cutoff", "0"),
        ("eta_cutoff", "0"),
        ("top_h", ""),
        ("guidance_scale", "1"),
        ("dola_layers", ""),
        ("watermarking_config", ""),
    ];

    /// <exception cref="UserErrorException">One of the files is damaged, or reading is strict and a key is not supported.</exception>
    public static GenerationSettings Load(string folder, ModelReading? reading = null)
    {
        var special = HuggingFaceFolder.LoadSpecialTokenIds(folder);
        int[] ends = special.ConfigEnds is { } several ? [.. several] : special.Eos is { } one ? [one] : [];
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return new GenerationSettings(ends);
        using var document = HuggingFaceConfig.Open(path);
        var fields = new ConfigFields(path, document.RootElement);
        NameUnsupported(fields, reading ?? ModelReading.Current);
        return new GenerationSettings([.. ends.Concat(fields.Ids("eos_token_id")).Distinct()])
        {
            EndOfTurn = fields.FirstId("eot_token_id"), EndOfMessage = fields.FirstId("eom_token_id"),
            DoSample = fields.Present("do_sample", out _) ? fields.Flag("do_sample") : null,
            Temperature = fields.NumberOrNull("temperature"), TopK = fields.WholeOrNull("top_k"), TopP = fields.NumberOrNull("top_p"),
            MinP = fields.NumberOrNull("min_p"), TypicalP = fields.NumberOrNull("typical_p"),
            RepetitionPenalty = fields.NumberOrNull("repetition_penalty"),
            MaxNewTokens = fields.WholeOrNull("max_new_tokens"), MinNewTokens = fields.WholeOrNull("min_new_tokens"),
            Suppressed = fields.Ids("suppress_tokens"), Stops = StopStrings(fields),
        };
    }

    /// <summary>One text or a list of them; an empty one would end every text at once and stands for none.</summary>
    private static IReadOnlyList<string> StopStrings(ConfigFields fields)
    {
        if (!fields.Present("stop_strings", out var value)) return [];
        var stops = value.ValueKind == JsonValueKind.String ? [value.GetString()!] : fields.Texts("stop_strings")!;
        return [.. stops.Where(stop => stop.Length > 0)];
    }

    private static void NameUnsupported(ConfigFields fields, ModelReading reading)
    {
        string[] set =
        [
            .. Unsupported
                .Where(pair => fields.Present(pair.Key, out var value) && !IsNeutral(value, pair.Neutral))
                .Select(pair => pair.Key),
        ];
        if (set.Length == 0)
            return;
        reading.LeaveOut(
            $"'{fields.Path}' sets {string.Join(", ", set)}, which Dolmen does not support",
            "Texts are generated without them"
        );
    }

    private static bool IsNeutral(JsonElement value, string neutral) =>
        value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble()
                == (double.TryParse(neutral, CultureInfo.InvariantCulture, out var none) ? none : double.NaN),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            _ => value.ValueKind == JsonValueKind.False,
        };

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
