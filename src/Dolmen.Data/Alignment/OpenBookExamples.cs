using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

namespace Dolmen.Data.Alignment;

/// <summary>
/// Conversations and preferences that teach reading: passages and a question in one message, the answer copied from the right passage, and
/// <see cref="OpenBookPrompt.Refusal"/> where no passage holds it. Passages and answers are of training entries alone.
/// </summary>
internal sealed class OpenBookExamples(IReadOnlyList<Entry> training, InventedNames names, string seed)
{
    /// <summary>Of the conversations: names that do not exist, and members whose passage is not there.</summary>
    public const double InventedShare = 0.18, MissingShare = 0.08;

    /// <summary>A confident answer about what the passages do not hold, another passage's answer, a refusal although the answer is there,
    /// and more than was asked for.</summary>
    public static readonly IReadOnlyList<(string Rejected, double Share)> PreferenceMix =
    [
        ("invented", 0.35),
        ("other", 0.35),
        ("refusal", 0.20),
        ("rambling", 0.10),
    ];

    /// <summary>Of the examples, those with fewer than the usual number of passages.</summary>
    private const double FewerShare = 0.15;

    /// <summary>Further questions about the same passages: reading them costs most of an example, and each question more teaches as much
    /// as the first. They end where the whole has so many characters, about 700 tokens.</summary>
    private const int MaxQuestions = 5, MaxChars = 2500;

    /// <summary>Of the further questions: those about an entry close to the first whose passage is not there.</summary>
    private const double AbsentShare = 0.2;

    private readonly OpenBookNeighbours _neighbours = new(training);
    private readonly QuestionPool _pool = new(training, $"{seed}|open book");

    public List<Conversation> Conversations(int count)
    {
        var invented = (int)(count * InventedShare);
        var missing = (int)(count * MissingShare);
        return
        [
            .. Questions(count - invented - missing, "answered").Select(question => Conversation(question, true, "answered")),
            .. Questions(missing, "missing", named: true).Select(question => Conversation(question, false, "missing")),
            .. Invented(invented, "invented").Select(question => Conversation(question, false, "invented")),
        ];
    }

    public List<PreferencePair> Preferences(int count)
    {
        var pairs = new List<PreferencePair>();
        foreach (var (rejected, share) in PreferenceMix)
        {
            var wanted = (int)(count * share);
            var salt = $"preferences|{rejected}";
            if (rejected == "invented")
            {
                foreach (var question in Invented(wanted, salt))
                {
                    var shown = Shuffled(Neighbours(question, salt), question, salt);
                    if (AnswerOfAny(shown, question.Kind, salt) is { } made)
                        pairs.Add(new PreferencePair(Prompt(shown, question), OpenBookPrompt.Refusal, made));
                }
                continue;
            }
            foreach (var question in Questions(wanted, salt))
            {
                var others = Neighbours(question, salt);
                var shown = Shuffled([question.Entry, .. others], question, salt);
                var good = Answer(shown, question);
                var bad = rejected switch
                {
                    "other" => AnswerOfAny(shown, question.Kind, salt, but: question.Entry),
                    "rambling" => others.Find(other => other.Summary.Length > 0) is { } more ? $"{good} {more.Summary}" : null,
                    _ => OpenBookPrompt.Refusal,
                };
                if (bad is not null && bad != good) pairs.Add(new PreferencePair(Prompt(shown, question), good, bad));
            }
        }
        return pairs;
    }

    private Conversation Conversation(Question first, bool isThere, string salt)
    {
        var shown = Shuffled(isThere ? [first.Entry, .. Neighbours(first, salt)] : Absent(first, salt), first, salt);
        var messages = new List<ChatMessage>
        {
            new("user", Prompt(shown, first)),
            new("assistant", isThere ? Answer(shown, first) : OpenBookPrompt.Refusal),
        };
        var chars = messages.Sum(message => message.Content.Length);
        foreach (var (question, answer) in More(first, shown, $"{seed}|{salt}"))
        {
            if ((chars += question.Length + answer.Length) > MaxChars) break;
            messages.AddRange([new("user", question), new("assistant", answer)]);
        }
        return new Conversation(messages);
    }

    /// <summary>Other questions about what the passages hold, and some about what they do not.</summary>
    private IEnumerable<(string Question, string Answer)> More(Question first, List<Entry> shown, string salt)
    {
        if (shown.Count == 0) yield break;
        var asked = new HashSet<(string, QuestionKind)> { (first.Entry.Id, first.Kind) };
        var absent = _neighbours.Of(first.Entry, 4, $"{salt}|absent", overloads: false)
            .Where(entry => !shown.Exists(other => other.Container == entry.Container && other.Name == entry.Name))
            .ToList();
        for (var i = 0; asked.Count < MaxQuestions && i < 3 * MaxQuestions; i++)
        {
            var draw = $"{salt}|more|{i}|{first.Kind}|{first.Entry.Id}";
            var isThere = absent.Count == 0 || StableHash.Fraction($"{draw}|absent") >= AbsentShare;
            var entry = SeededSample.One(isThere ? shown : absent, draw);
            var kind = KindAt(StableHash.Fraction($"{draw}|kind"));
            var isNamed = kind != QuestionKind.Which;
            if (!isNamed && (!isThere || shown.Count(other => other.Summary == entry.Summary) > 1)) continue;
            if (OpenBookQuestion.Ask(entry, kind, draw, hasOverloads: true) is not { } question || !asked.Add((entry.Id, kind))) continue;
            yield return (question.Prompt, isThere ? Answer(shown, question) : OpenBookPrompt.Refusal);
        }
    }

    private static QuestionKind KindAt(double draw)
    {
        foreach (var (kind, share) in OpenBookQuestion.Mix)
            if ((draw -= share) < 0) return kind;
        return QuestionKind.Meaning;
    }

    private List<Entry> Absent(Question question, string salt)
    {
        var count = StableHash.Fraction($"{seed}|{salt}|fewer|{question.Entry.Id}") < FewerShare ? 2 : OpenBookPrompt.DefaultPassages;
        return _neighbours.Of(question.Entry, count, $"{seed}|{salt}", overloads: false);
    }

    private List<Entry> Neighbours(Question question, string salt)
    {
        var few = StableHash.Fraction($"{seed}|{salt}|fewer|{question.Entry.Id}");
        var count = OpenBookPrompt.DefaultPassages - (few < FewerShare / 3 ? 3 : few < FewerShare ? 2 : 1);
        var described = question.Kind == QuestionKind.Which;
        return
        [
            .. _neighbours.Of(question.Entry, Math.Max(0, count), $"{seed}|{salt}", described: described)
                .Where(other => !described || other.Summary != question.Entry.Summary),
        ];
    }

    private List<Entry> Shuffled(IReadOnlyList<Entry> shown, Question question, string salt) =>
        [.. SeededSample.Shuffled(shown, $"{seed}|{salt}|places|{question.Kind}|{question.Entry.Id}", entry => entry.Id)];

    private static string Prompt(List<Entry> shown, Question question) =>
        OpenBookPrompt.Of([.. shown.Select(OpenBookQuestion.PassageOf)], question.Prompt);

    /// <summary>As the line of the passage that it is taken from begins.</summary>
    private static string Answer(List<Entry> shown, Question question) =>
        PassageLines.Cited(shown.IndexOf(question.Entry) + 1, PassageLines.Of(question.Label, question.Answer));

    private List<Question> Questions(int count, string salt, bool named = false) =>
        _pool.Take(
            count,
            salt,
            named ? [.. OpenBookQuestion.Mix.Where(kind => kind.Kind != QuestionKind.Which)] : OpenBookQuestion.Mix,
            (entry, kind, draw) => OpenBookQuestion.Ask(entry, kind, draw, _neighbours.HasOverloads(entry))
        );

    private IEnumerable<Question> Invented(int count, string salt) =>
        names.Questions(count, $"{seed}|{salt}", $"{seed}|open book|{salt}");

    /// <summary>Of the first passage that has an answer to such a question.</summary>
    private static string? AnswerOfAny(List<Entry> shown, QuestionKind kind, string salt, Entry? but = null) =>
        shown.Where(entry => entry != but)
            .Select(entry => OpenBookQuestion.Ask(entry, kind, salt, hasOverloads: true))
            .OfType<Question>()
            .Select(question => Answer(shown, question))
            .FirstOrDefault();
}
