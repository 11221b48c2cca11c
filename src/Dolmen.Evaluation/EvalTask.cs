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
    IProgress<StageProgress> Progress, CancellationToken Stop);

/// <summary>One way of measuring a model on held-out data. A new task is one file, one line here and one in
/// <see cref="EvaluationRecipe.Tasks"/>. Discriminators are permanent once released.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "task")]
[JsonDerivedType(typeof(BitsPerByteTask), "bits-per-byte")]
[JsonDerivedType(typeof(MultipleChoiceTask), "multiple-choice")]
[JsonDerivedType(typeof(RefusalTask), "refusal")]
public abstract record EvalTask
{
    public abstract string Name { get; }

    /// <summary>One sentence for people.</summary>
    public abstract string Measures { get; }

    /// <summary>Names of the metrics it fills in, as in <c>evaluation.json</c>.</summary>
    public abstract IReadOnlyList<string> Metrics();

    /// <summary>Files of the corpus directory without which the task is skipped.</summary>
    public abstract IReadOnlyList<string> Files();

    /// <summary>Adds its metrics to <paramref name="result"/>.</summary>
    public abstract EvaluationResult Run(EvaluationInput input, EvaluationResult result);
}
