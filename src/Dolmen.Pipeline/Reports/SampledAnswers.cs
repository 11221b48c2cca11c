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
        var folder = Path.Combine(result.Out, "evaluation");
        List<ShownAnswer> samples = [.. EvaluationFolder.ReadSamples(folder, final).Select(ShownAnswer.Of)];
        var drawn = samples.Count > 0;
        if (!drawn) samples = Refusals(folder, final);
        if (samples.Count == 0) return;
        page.Section($"Questions and answers of the {final} model", "answers");
        var judged = samples.Where(sample => sample.Good is not null).ToList();
        var right = judged.Count == 0 ? "" : $"{judged.Count(sample => sample.Good == true)} of these {judged.Count} are right. ";
        var chosen = drawn ? "They were drawn by chance for this page" : "They are the first of each kind";
        page.Note($"{right}{chosen}; the scores above count all that were asked.");
        page.Raw("<ol class=\"answers\">\n");
        foreach (var sample in samples) Show(page, sample);
        page.Raw("</ol>\n");
    }

    private static void Show(HtmlPage page, ShownAnswer sample)
    {
        var (kind, verdict) = sample.Good switch { true => ("good", "✓ right"), false => ("bad", "✗ wrong"), _ => ("", "answered") };
        page.Raw($"<li class=\"{kind}\"><p class=\"question\">{Escape(sample.Question)}</p>");
        page.Raw($"<p><b>{verdict}</b> {Escape(sample.Answer.Trim())}</p>");
        if (sample.Good == false) page.Raw($"<p class=\"note\">Right would be: {Escape(sample.Right.Trim())}</p>");
        if (sample.Sources.Count > 0) page.Raw($"<p class=\"note\">{Escape(Read(sample.Sources))}</p>");
        page.Raw("</li>\n");
    }

    /// <summary>The passage that holds the answer first, with its place.</summary>
    private static string Read(IReadOnlyList<SampleSource> sources)
    {
        var others = string.Join("; ", sources.Where(source => !source.Right).Select(source => source.Title));
        return sources.FirstOrDefault(source => source.Right) is { } source
            ? $"Source: {source.Title} ({source.Source}){(others.Length > 0 ? $". Also read: {others}" : "")}"
            : $"Read, none of which holds the answer: {others}";
    }

    /// <summary>Whether a question about a known name was answered well is not judged here: only that it was answered.</summary>
    private static List<ShownAnswer> Refusals(string folder, string model)
    {
        var (shown, samples) = (new Dictionary<string, int>(StringComparer.Ordinal), new List<ShownAnswer>());
        foreach (var answer in EvaluationFolder.ReadAnswers(folder, model))
        {
            if (shown.GetValueOrDefault(answer.Set) >= AnswersOfEach) continue;
            shown[answer.Set] = shown.GetValueOrDefault(answer.Set) + 1;
            var isInvented = answer.Set == "invented";
            samples.Add(new ShownAnswer(
                answer.Prompt,
                answer.Answer,
                isInvented ? "that it does not know, for the name is invented." : "an answer, for the name exists.",
                isInvented ? answer.Refused : answer.Refused ? false : null,
                []));
        }
        return samples;
    }

    /// <param name="Right">What the documents say.</param>
    /// <param name="Good">Null where it was not judged.</param>
    /// <param name="Sources">The passages that the model read with the question.</param>
    private sealed record ShownAnswer(string Question, string Answer, string Right, bool? Good, IReadOnlyList<SampleSource> Sources)
    {
        public static ShownAnswer Of(AnswerSample sample) =>
            new(sample.Question, sample.Answer, sample.Right, sample.Good, sample.Sources);
    }
}
