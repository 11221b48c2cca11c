using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Evaluation;

namespace Dolmen.Pipeline.Reports;

/// <summary>One of the few figures that tell how good a model is.</summary>
/// <param name="Shown">The figure with its error and unit: "61.2 % ± 1.5".</param>
/// <param name="Meaning">What was asked, and what the figure has to be compared with.</param>
/// <param name="Share">The figure from 0 to 1 where it is a share.</param>
/// <param name="Chance">What guessing would reach.</param>
public sealed record Headline(string Title, string Shown, string Meaning, double? Share = null, double? Chance = null);

/// <summary>Chooses them from whatever was measured: a figure that is missing is left out.</summary>
public static class Headlines
{
    private const double FourChoices = 0.25;

    public static IReadOnlyList<Headline> Of(PipelineResult result)
    {
        var models = result.Models();
        if (models.Count == 0) return [];
        var (first, last) = (models[0].Result, models[^1].Result);
        return [.. Answers(last), .. Refusals(last), .. Choices(last), .. Text(first, models[0].Name, result.Out)];
    }

    private static IEnumerable<Headline> Answers(EvaluationResult model)
    {
        if ((model.Find("openbook_exact") ?? model.Find("openbook_exact_given")) is not { } exact) yield break;
        var overlap = (model.Find("openbook_f1") ?? model.Find("openbook_f1_given")) is { } f1
            ? $"; {Percent(f1.Value)} of the words are right (F1)" : "";
        var found = model.Find("retrieval_hit") is { } hit
            ? $" The search put the right passage before the model for {Percent(hit.Value)} of the questions." : "";
        var without = model.Find("baseline_exact") is { } baseline
            ? $" The text of the best passage alone, without a model, is right for {Percent(baseline.Value)}." : "";
        yield return new Headline(
            "Answers from the documents",
            Shown(exact),
            $"of {exact.Count:N0} questions are answered word for word as the documents do{overlap}.{found}{without}",
            exact.Value);
    }

    private static IEnumerable<Headline> Refusals(EvaluationResult model)
    {
        if ((model.Find("refusal_invented") ?? model.Find("refusal_invented_closed")) is not { } invented) yield break;
        var known = (model.Find("refusal_known") ?? model.Find("refusal_known_closed")) is { } wrongly
            ? $" It wrongly does so for {Shown(wrongly)} of those that do." : "";
        yield return new Headline(
            "Says when it does not know",
            Shown(invented),
            $"of {invented.Count:N0} questions about names that do not exist are declined.{known}",
            invented.Value);
    }

    private static IEnumerable<Headline> Choices(EvaluationResult model)
    {
        if (model.Find("acc_norm") is not { } choice) yield break;
        var above = choice.StandardError is > 0 and { } error ? (choice.Value - FourChoices) / error : double.NaN;
        var beside = above >= 2 ? $"this is {above:0} standard errors above it"
            : above <= -2 ? $"this is {-above:0} standard errors below it"
            : double.IsNaN(above) ? "too few questions tell how far this is from it" : "this does not differ from it";
        yield return new Headline(
            "Knows what belongs together",
            Shown(choice),
            $"of {choice.Count:N0} signatures get the right one of four summaries (acc_norm). Guessing reaches 25\u00A0%: {beside}.",
            choice.Value,
            FourChoices);
    }

    private static IEnumerable<Headline> Text(EvaluationResult model, string name, string run)
    {
        if (model.Find("bits_per_byte") is not { } bits) yield break;
        var beside = CompressedText.BitsPerByte(Path.Combine(run, "corpus")) is { } packed
            ? $"gzip needs {packed.ToString("0.00", CultureInfo.InvariantCulture)}, plain text takes 8" : "plain text takes 8";
        var error = bits.StandardError is { } se ? $" ± {se.ToString("0.000", CultureInfo.InvariantCulture)}" : "";
        yield return new Headline(
            "Predicts unseen text",
            bits.Value.ToString("0.000", CultureInfo.InvariantCulture) + error,
            $"bits are what the {name} model needs for a byte of held-out text: {beside}. Fewer are better.");
    }

    private static string Shown(EvaluationScore score) =>
        score.StandardError is { } error
            ? $"{Percent(score.Value)} ± {(100 * error).ToString("0.0", CultureInfo.InvariantCulture)}"
            : Percent(score.Value);

    private static string Percent(double share) => $"{(100 * share).ToString("0.0", CultureInfo.InvariantCulture)}\u00A0%";
}
