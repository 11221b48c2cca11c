using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Evaluation.Tasks;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Evaluation;

/// <summary>What a task works on. <paramref name="Seed"/> draws the questions and the shots: the same seed asks every model the
/// same.</summary>
public sealed record EvaluationInput(
    LanguageModel Model, Tokenizer Tokenizer, string CorpusDirectory, ulong Seed,
    IProgress<StageProgress> Progress, CancellationToken Stop)
{
    /// <summary>The file with the index of the corpus's documents; null where there is none.</summary>
    public string? DocumentIndex { get; init; }
}

/// <summary>One way of measuring a model on held-out data, and its settings as they stand in a recipe's list of tasks. A new task is one
/// file and one line here. The names are permanent once released.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "task")]
[JsonDerivedType(typeof(BitsPerByteTask), "bits-per-byte")]
[JsonDerivedType(typeof(MultipleChoiceTask), "multiple-choice")]
[JsonDerivedType(typeof(RefusalTask), "refusal")]
[JsonDerivedType(typeof(OpenBookTask), "open-book")]
public abstract record EvalTask
{
    /// <summary>Its key in the results; two tasks of a recipe never have the same.</summary>
    public abstract string Name();

    /// <summary>One sentence for people.</summary>
    public abstract string Measures();

    /// <summary>Short names of the scores it gives, as in <c>evaluation.json</c>.</summary>
    public abstract IReadOnlyList<string> Metrics();

    /// <summary>Files of the corpus directory without which the task is skipped.</summary>
    public abstract IReadOnlyList<string> Files();

    /// <summary>All that is wrong with the settings, each beginning with its key.</summary>
    public abstract IEnumerable<string> Problems();

    public abstract TaskResult Run(EvaluationInput input);

    protected static IEnumerable<string> AtLeast(int least, params (string Name, int Value)[] settings) =>
        settings.Where(setting => setting.Value < least)
            .Select(setting => $"{setting.Name} is {setting.Value}: it must be {least} or more.");
}
