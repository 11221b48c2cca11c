using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;
using Dolmen.Evaluation;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Pipeline.Reports;

/// <summary>Questions with the answers given, good and bad: those of the open-book task with their sources where it ran, and otherwise
/// some of the questions about invented and known names.</summary>
internal static class SampledAnswers
{
    private const int AnswersOfEach = 4;

    public static void Add(HtmlPage page, PipelineResult result)
    {
        if (result.Evaluation.Count == 0) return;
        var final = result.Evaluation.Last().Key;
        IReadOnlyList<SampledAnswer> samples = OpenBook(result.Out, final);
        if (samples.Count == 0) samples = Refusals(result.Out, final);
        if (samples.Count == 0) return;
        page.Section($"Questions and answers of the {final} model", "answers");
        var judged = samples.Where(sample => sample.Good is not null).ToList();
        page.Note(
            $"{judged.Count(sample => sample.Good == true)} of these {judged.Count} are right. They were drawn by chance for this page; "
                + "the scores above count all that were asked.");
        page.Raw("<ol class=\"answers\">\n");
        foreach (var sample in samples) Show(page, sample);
        page.Raw("</ol>\n");
    }

    private static void Show(HtmlPage page, SampledAnswer sample)
    {
        var (kind, verdict) = sample.Good switch { true => ("good", "✓ right"), false => ("bad", "✗ wrong"), _ => ("", "answered") };
        page.Raw($"<li class=\"{kind}\"><p class=\"question\">{Escape(sample.Question)}</p>");
        page.Raw($"<p><b>{verdict}</b> {Escape(sample.Answer.Trim())}</p>");
        if (sample.Good == false) page.Raw($"<p class=\"note\">Right would be: {Escape(sample.Right.Trim())}</p>");
        if (sample.Sources.Count > 0) page.Raw($"<p class=\"note\">{Escape(Read(sample.Sources))}</p>");
        page.Raw("</li>\n");
    }

    /// <summary>The passage that holds the answer first, with its place.</summary>
    private static string Read(IReadOnlyList<SampledSource> sources)
    {
        var others = string.Join("; ", sources.Where(source => !source.Right).Select(source => source.Title));
        return sources.FirstOrDefault(source => source.Right) is { } source
            ? $"Source: {source.Title} ({source.Source}){(others.Length > 0 ? $". Also read: {others}" : "")}"
            : $"Read, none of which holds the answer: {others}";
    }

    private static IReadOnlyList<SampledAnswer> OpenBook(string run, string model)
    {
        var file = Path.Combine(run, "evaluation", EvaluationFolder.SamplesFile);
        if (!File.Exists(file)) return [];
        return [.. RegularFile.ReadLines(file)
            .Select(line => JsonSerializer.Deserialize(line, SampledAnswerJson.Default.ModelSample))
            .Where(line => line?.Model == model).Select(line => line!.Sample)];
    }

    /// <summary>Whether a question about a known name was answered well is not judged here: only that it was answered.</summary>
    private static List<SampledAnswer> Refusals(string run, string model)
    {
        var file = Path.Combine(run, "evaluation", EvaluationFolder.AnswersFile);
        if (!File.Exists(file)) return [];
        var (shown, samples) = (new Dictionary<string, int>(StringComparer.Ordinal), new List<SampledAnswer>());
        foreach (var line in RegularFile.ReadLines(file))
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.GetProperty("model").GetString() != model) continue;
            var answer = json.RootElement.GetProperty("answer");
            var set = answer.GetProperty("set").GetString() ?? "";
            if (shown.GetValueOrDefault(set) >= AnswersOfEach) continue;
            shown[set] = shown.GetValueOrDefault(set) + 1;
            var (isInvented, refused) = (set == "invented", answer.GetProperty("refused").GetBoolean());
            samples.Add(new SampledAnswer(
                answer.GetProperty("prompt").GetString() ?? "",
                answer.GetProperty("answer").GetString() ?? "",
                isInvented ? "that it does not know, for the name is invented." : "an answer, for the name exists.",
                isInvented ? refused : refused ? false : null,
                []));
        }
        return samples;
    }
}

/// <summary>A line of the evaluation's <c>samples.jsonl</c>.</summary>
internal sealed record ModelSample(string Model, SampledAnswer Sample);

/// <param name="Right">What the documents say.</param>
/// <param name="Good">Null where it was not judged.</param>
/// <param name="Sources">The passages that the model read with the question.</param>
internal sealed record SampledAnswer(
    string Question, string Answer, string Right, bool? Good, IReadOnlyList<SampledSource> Sources);

/// <param name="Right">Whether it is the passage that holds the answer.</param>
internal sealed record SampledSource(string Title, string Source, bool Right);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ModelSample))]
internal sealed partial class SampledAnswerJson : JsonSerializerContext;
