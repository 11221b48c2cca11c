using System.Globalization;
using System.Text;

namespace Dolmen.Checkpoints;

/// <param name="Task">What was asked of the model, for example "4-way multiple choice, zero-shot".</param>
public sealed record ModelMetric(string Task, string Name, double Value);

/// <summary>The README.md of a model folder: YAML front matter that model hubs read, then text for people.</summary>
/// <param name="License">An SPDX identifier in lower case, or <c>other</c>.</param>
public sealed record ModelCard(
    string Title, string Summary, string License = "other", string Language = "en", IReadOnlyList<string>? Tags = null,
    IReadOnlyList<ModelMetric>? Metrics = null)
{
    /// <param name="bos">The id that begins every text; null where none does.</param>
    public string Markdown(ModelConfig config, int? bos = null)
    {
        var text = new StringBuilder("---\n");
        text.Append(ModelCardUsage.FrontMatter(config, License));
        text.Append($"language: {Quoted(Language)}\ntags:\n");
        string[] tags = ["dolmen", HuggingFaceConfig.ModelType(config), .. Tags ?? []];
        foreach (var tag in tags.Distinct(StringComparer.Ordinal)) text.Append($"- {Quoted(tag)}\n");
        if (Metrics is { Count: > 0 }) AppendIndex(text, Metrics);
        text.Append("---\n\n");
        text.Append($"# {Title}\n\n{Summary}\n\n");
        text.Append($"| | |\n|---|---|\n| architecture | {config.Describe()} |\n");
        text.Append($"| parameters | {config.Parameters:N0} |\n");
        if (config.ActiveParameters != config.Parameters) text.Append($"| parameters a token meets | {config.ActiveParameters:N0} |\n");
        foreach (var (what, value) in Sizes(config)) text.Append($"| {what} | {value} |\n");
        text.Append($"| context | {config.ContextLength} tokens |\n| vocabulary | {config.VocabSize} |\n");
        if (Metrics is { Count: > 0 })
        {
            text.Append("\n| task | metric | value |\n|---|---|---|\n");
            foreach (var metric in Metrics)
            {
                text.Append($"| {metric.Task} | {metric.Name} | {metric.Value.ToString("0.####", CultureInfo.InvariantCulture)} |\n");
            }
        }
        text.Append($"\n{ModelCardUsage.Markdown(config, License, bos)}");
        text.Append("\nMade with Dolmen.\n");
        return text.ToString();
    }

    private static IEnumerable<(string What, object Value)> Sizes(ModelConfig config)
    {
        if (config is not DecoderConfig decoder) yield break;
        var plan = decoder.Plan();
        yield return ("layers", plan.Blocks.Count);
        yield return ("width", plan.DModel);
        if (config is TransformerConfig transformer)
            yield return ("heads (key-value heads)", $"{transformer.Heads} ({transformer.KvHeads})");
    }

    private void AppendIndex(StringBuilder text, IReadOnlyList<ModelMetric> metrics)
    {
        text.Append($"model-index:\n- name: {Quoted(Title)}\n  results:\n");
        foreach (var task in metrics.GroupBy(metric => metric.Task, StringComparer.Ordinal))
        {
            text.Append("  - task:\n      type: text-generation\n    dataset:\n");
            text.Append($"      name: {Quoted(task.Key)}\n      type: {Quoted(task.Key)}\n    metrics:\n");
            foreach (var metric in task)
            {
                text.Append($"    - type: {Quoted(metric.Name)}\n      value: " +
                    $"{metric.Value.ToString("R", CultureInfo.InvariantCulture)}\n");
            }
        }
    }

    private static string Quoted(string value) => $"'{value.Replace("'", "''").ReplaceLineEndings(" ")}'";
}
