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

    /// <summary>Asked about prose beside its headings, as shares of the same count.</summary>
    private static readonly IReadOnlyList<(QuestionKind Kind, double Share)> ProseMix =
    [
        (QuestionKind.Definition, 0.25),
        (QuestionKind.Cloze, 0.5),
    ];

    /// <summary>A passage has many sentences: so many of them are asked about at most.</summary>
    private const int ClozesOfPassage = 6;

    private readonly IReadOnlyList<Entry> _prose = [.. asked.Where(e => e.IsProse)];

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
        foreach (var (kind, share) in ProseMix) questions.AddRange(OfProse(kind, salt, ask).Take((int)(count * share)));
        return SeededSample.Take(questions, count, $"{seed}|{salt}|order", Identity);

        // Of a passage several sentences are asked about.
        static string Identity(Question q) => $"{q.Kind}|{q.Entry.Id}{(q.Kind == QuestionKind.Cloze ? q.Prompt : "")}";
    }

    private IEnumerable<Question> OfProse(QuestionKind kind, string salt, Func<Entry, QuestionKind, string, Question?> ask)
    {
        var times = kind == QuestionKind.Cloze ? ClozesOfPassage : 1;
        var prompts = new HashSet<string>(StringComparer.Ordinal);
        for (var time = 0; time < times; time++)
        {
            foreach (var entry in SeededSample.Shuffled(_prose, $"{seed}|{salt}|{kind}|{time}", e => e.Id))
            {
                var question = ask(entry, kind, $"{seed}|{salt}|{time}");
                if (question is not null && prompts.Add(question.Prompt)) yield return question;
            }
        }
    }
}
