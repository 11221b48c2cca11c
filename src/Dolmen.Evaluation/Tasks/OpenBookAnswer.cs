using Dolmen.Retrieval;

namespace Dolmen.Evaluation.Tasks;

/// <summary>A question, the passages in its prompt, and what the model said to it.</summary>
internal sealed class OpenBookAnswer(string question, string right, IReadOnlyList<Passage> passages)
{
    public string Question => question;

    public string Right => right;

    public IReadOnlyList<Passage> Passages => passages;

    /// <summary>Null where only declining is of interest.</summary>
    public OpenBookItem? Item { get; init; }

    /// <summary>Prompt and answer fit the model's context. What does not is never answered.</summary>
    public bool Fits { get; set; }

    public string Text { get; set; } = "";

    public bool IsExact => AnswerMatch.IsExact(Said, Right);

    public double F1 => AnswerMatch.F1(Said, Right);

    /// <summary>The answer without the number and label of the line that it cites.</summary>
    private string Said => PassageLines.Read(Text, passages).Text;

    public bool Refused => RefusalRule.Declines(Text);

    public bool HasRight => Item is not null && passages.Any(passage => passage.Id == Item.Id);

    public AnswerResult Result(string set) => new(set, Question, Text, Refused) { Documents = true };

    public AnswerSample Sample(string set) => new(
        set,
        Item?.Field ?? "",
        Question,
        Text,
        Right,
        Item is null ? Refused : IsExact,
        Item is null ? (Refused ? 1 : 0) : F1,
        Refused,
        [.. passages.Select(passage => new SampleSource(passage.Id, passage.Title, passage.Source, passage.Id == Item?.Id))]
    );
}
