using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>The questions that training entries allow, in fixed shares.</summary>
internal sealed class QuestionPool(IReadOnlyList<Entry> training, string seed)
{
    /// <summary>Half the questions ask what something does, as the evaluation does.</summary>
    public static readonly IReadOnlyList<(QuestionKind Kind, double Share)> Mix =
    [
        (QuestionKind.Meaning, 0.50),
        (QuestionKind.Which, 0.15),
        (QuestionKind.Returns, 0.13),
        (QuestionKind.Throws, 0.08),
        (QuestionKind.Parameter, 0.14),
    ];

    // A summary that two members of a type share does not tell which of them is meant.
    private readonly Dictionary<(string, string), int> _summaries = training
        .GroupBy(e => (e.Container, e.Summary))
        .ToDictionary(g => g.Key, g => g.Count());

    public List<Question> Take(int count, string salt)
    {
        var questions = new List<Question>();
        foreach (var (kind, share) in Mix)
        {
            var asked = SeededSample.Shuffled(training, $"{seed}|{salt}|{kind}", e => e.Id)
                .Where(e => kind != QuestionKind.Which || _summaries[(e.Container, e.Summary)] == 1)
                .Select(e => Question.Ask(e, kind, $"{seed}|{salt}")).OfType<Question>();
            questions.AddRange(asked.Take((int)(count * share)));
        }
        return SeededSample.Take(questions, count, $"{seed}|{salt}|order", q => $"{q.Kind}|{q.Entry.Id}");
    }
}
