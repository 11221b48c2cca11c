using System.Globalization;
using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>What transformers' classes "…ForSequenceClassification" say of their head: id2label, num_labels, problem_type. They pool the
/// last token that is not padding, and one label is one number.</summary>
internal static class HeadFields
{
    private const string Suffix = "ForSequenceClassification";
    private const string Regression = "regression", SingleLabel = "single_label_classification";

    /// <summary>The class other software loads a configuration with.</summary>
    public static string Architecture(ConfigLayout layout, ModelConfig config)
    {
        if (config is not DecoderConfig { Head: not null }) return layout.Architecture;
        foreach (var ending in (string[])["ForCausalLM", "LMHeadModel"])
        {
            if (layout.Architecture.EndsWith(ending, StringComparison.Ordinal)) return layout.Architecture[..^ending.Length] + Suffix;
        }
        return layout.Architecture;
    }

    /// <summary>Whether transformers' classes compute what the head says: they have no mean over tokens.</summary>
    public static bool IsPublished(ModelConfig config) => config is not DecoderConfig { Head: ClassHead { Pooling: not Pooling.Last } };

    /// <summary>The configuration with the head that <c>architectures</c> names.</summary>
    /// <exception cref="Artifacts.UserErrorException">The labels contradict each other, or ask for what cannot be run.</exception>
    public static ModelConfig Read(ConfigFields fields, ModelConfig config)
    {
        if (config is not DecoderConfig { Head: null } decoder || !IsClassifier(fields)) return config;
        var labels = Labels(fields);
        var problem = fields.Text("problem_type");
        var fitting = labels.Count == 1 ? Regression : SingleLabel;
        if (problem is not null && problem != fitting)
        {
            throw fields.Bad(
                $"problem_type is '{problem}' and there {(labels.Count == 1 ? "is one label" : $"are {labels.Count} labels")}",
                $"only '{fitting}' can be run with so many. Choose a model with one number ('{Regression}', one label) or with one class a "
                    + $"text ('{SingleLabel}', two labels or more)"
            );
        }
        return decoder with { Head = labels.Count == 1 ? new ScalarHead() : new ClassHead(labels) };
    }

    public static void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        if (config is not DecoderConfig { Head: { } head }) return;
        var labels = head is ClassHead classes ? classes.Labels : ["LABEL_0"];
        writer.WriteStartObject("id2label");
        for (var i = 0; i < labels.Count; i++) writer.WriteString(i.ToString(CultureInfo.InvariantCulture), labels[i]);
        writer.WriteEndObject();
        writer.WriteStartObject("label2id");
        for (var i = 0; i < labels.Count; i++) writer.WriteNumber(labels[i], i);
        writer.WriteEndObject();
        writer.WriteString("problem_type", head is ScalarHead ? Regression : SingleLabel);
    }

    private static bool IsClassifier(ConfigFields fields) =>
        fields.Present("architectures", out var classes)
        && classes.ValueKind == JsonValueKind.Array
        && classes.EnumerateArray().Any(name =>
            name.ValueKind == JsonValueKind.String && name.GetString()!.EndsWith(Suffix, StringComparison.Ordinal)
        );

    /// <summary>As transformers reads them: id2label, else num_labels of them, else two.</summary>
    private static List<string> Labels(ConfigFields fields)
    {
        const int usual = 2;
        var count = fields.Int32OrNull("num_labels");
        if (!fields.Present("id2label", out var names)) return [.. Enumerable.Range(0, Checked(count ?? usual)).Select(i => $"LABEL_{i}")];
        if (names.ValueKind != JsonValueKind.Object)
            throw fields.Bad("id2label is not an object", "it must give each label's number a name");
        var entries = names.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value, StringComparer.Ordinal);
        if (count is { } said && said != entries.Count)
        {
            throw fields.Bad(
                $"num_labels is {said} but id2label has {entries.Count} names", "they must be equal. Take the wrong one out of the file");
        }
        return [.. Enumerable.Range(0, Checked(entries.Count)).Select(Name)];

        string Name(int i) =>
            entries.TryGetValue(i.ToString(CultureInfo.InvariantCulture), out var name) && name.ValueKind == JsonValueKind.String
                ? name.GetString()!
                : throw fields.Bad($"id2label has no name for {i}", $"its numbers must go from 0 to {entries.Count - 1}");

        int Checked(int labels) =>
            labels is >= 1 and <= 1 << 20 ? labels : throw fields.Bad($"there are {labels} labels", "there must be at least one");
    }
}
