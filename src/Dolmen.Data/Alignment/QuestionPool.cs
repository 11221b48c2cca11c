using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>The questions that entries allow, in fixed shares.</summary>
/// <param name="all">What a summary must not be shared with to be asked about; <paramref name="asked"/> where left out.</param>
internal sealed class QuestionPool(IReadOnlyList<Entry> asked, string seed, IReadOnlyList<Entry>? all = null)
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
    private readonly Dictionary<(string, string), int> _summaries = (all ?? asked)
        .GroupBy(e => (e.Container, e.Summary))
        .ToDictionary(g => g.Key, g => g.Count());

    public List<Question> Take(int count, string salt) => Take(count, salt, Mix, Question.Ask);

    /// <param name="ask">From an entry, a kind and the salt of its phrasing; null where the entry cannot be asked so.</param>
    public List<Question> Take(
        int count,
        string salt,
        IReadOnlyList<(QuestionKind Kind, double Share)> mix,
        Func<Entry, QuestionKind, string, Question?> ask
    )
    {
        var questions = new List<Question>();
        foreach (var (kind, share) in mix)
        {
            var made = SeededSample.Shuffled(asked, $"{seed}|{salt}|{kind}", e => e.Id)
                .Where(e => kind != QuestionKind.Which || _summaries[(e.Container, e.Summary)] == 1)
                .Select(e => ask(e, kind, $"{seed}|{salt}")).OfType<Question>();
            questions.AddRange(made.Take((int)(count * share / mix.Sum(m => m.Share) + 1e-9)));
        }
        return SeededSample.Take(questions, count, $"{seed}|{salt}|order", q => $"{q.Kind}|{q.Entry.Id}");
    }
}
