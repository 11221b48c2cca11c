using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;
using Dolmen.Tokenization;

namespace Dolmen.Data.Alignment;

/// <summary>What alignment trains on and what measures it.</summary>
internal sealed record AlignmentSet(
    IReadOnlyList<Conversation> Conversations,
    IReadOnlyList<PreferencePair> Preferences,
    IReadOnlyList<InventedQuestion> Invented,
    IReadOnlyList<KnownQuestion> Known,
    IReadOnlyList<OpenBookItem> OpenBook
)
{
    public static AlignmentSet Empty { get; } = new([], [], [], [], []);
}

/// <summary>Conversations and preferences by rule, from training entries alone: with passages (<see cref="OpenBookExamples"/>) and
/// without.</summary>
internal sealed class AlignmentRules(CorpusRecipe recipe, IReadOnlyList<Entry> training, IReadOnlyList<Entry> heldOut, ulong seed)
{
    private const int EvaluationQuestions = 300;
    private const double TwoTurnShare = 0.08;

    /// <summary>Another entry's answer; the right one and more that nobody asked for; a confident answer about an invented name; a refusal
    /// where the answer is known, so that refusing does not become the rule.</summary>
    public static readonly IReadOnlyList<(string Rejected, double Share)> PreferenceMix =
    [
        ("other", 0.30),
        ("rambling", 0.17),
        ("invented", 0.33),
        ("refusal", 0.20),
    ];

    private static readonly string[] Refusals =
    [
        "I don't know that member.",
        "I don't know `{0}`.",
        "I don't know a member of that name.",
        "I don't know that one: no documentation I have seen names it.",
    ];

    private static readonly string[] TopicRefusals =
    [
        "I don't know anything about {0}.",
        "I don't know of anything by that name.",
        "I don't know: nothing I have read is about {0}.",
    ];

    private readonly string _seed = $"{seed}";
    private readonly QuestionPool _pool = new(training, $"{seed}");
    private readonly InventedNames _names = new([.. training, .. heldOut], training);
    private readonly Dictionary<string, List<Entry>> _siblings = training
        .GroupBy(e => e.Container, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.ToList(), StringComparer.Ordinal);

    public AlignmentSet Build(CancellationToken stop)
    {
        var invented = InventedQuestions(EvaluationQuestions, "evaluation")
            .Select(q => new InventedQuestion(q.Prompt, q.Entry.Signature))
            .ToList();
        stop.ThrowIfCancellationRequested();
        var (withPassages, pairsWithPassages) =
            ((int)(recipe.MaxConversations * recipe.OpenBookFraction), (int)(recipe.MaxPreferences * recipe.OpenBookFraction));
        var closed = recipe.MaxConversations - withPassages;
        var wanted = (int)(closed * (1 - recipe.InventedFraction));
        var real = _pool.Take(wanted, "conversations");
        // Where hardly any conversation is without passages, questions of their own measure what is known without them.
        var asked = wanted < EvaluationQuestions ? _pool.Take(EvaluationQuestions, "known") : real;
        var examples = new OpenBookExamples(training, _names, _seed);
        List<Conversation> conversations = [.. Conversations(real, closed), .. examples.Conversations(withPassages)];
        stop.ThrowIfCancellationRequested();
        List<PreferencePair> preferences =
            [.. Preferences(recipe.MaxPreferences - pairsWithPassages), .. examples.Preferences(pairsWithPassages)];
        var answered = SeededSample.Take(asked, EvaluationQuestions, $"{_seed}|known", q => q.Prompt)
            .Select(q => new KnownQuestion(q.Prompt, q.Answer))
            .ToList();
        stop.ThrowIfCancellationRequested();
        return new AlignmentSet(
            SeededSample.Take(conversations, recipe.MaxConversations, $"{_seed}|order", c => c.Messages[0].Content),
            SeededSample.Take(preferences, recipe.MaxPreferences, $"{_seed}|preference order", p => $"{p.Prompt}|{p.Rejected}"),
            invented,
            answered,
            OpenBookItems.Build(heldOut, [.. training, .. heldOut], recipe.MaxOpenBook, _seed)
        );
    }

    private List<Conversation> Conversations(List<Question> real, int most)
    {
        var conversations = new List<Conversation>();
        for (var i = 0; i < real.Count; i++)
        {
            List<ChatMessage> messages = [new("user", real[i].Prompt), new("assistant", real[i].Answer)];
            if (i < real.Count * TwoTurnShare && FollowUp(real[i]) is { } next)
                messages.AddRange([new("user", next.Prompt), new("assistant", next.Answer)]);
            conversations.Add(new Conversation(messages));
        }
        var wanted = Math.Min(
            most - real.Count,
            (int)(real.Count * recipe.InventedFraction / (1 - recipe.InventedFraction))
        );
        foreach (var question in InventedQuestions(wanted, "conversations"))
            conversations.Add(new Conversation([new("user", question.Prompt), new("assistant", Refusal(question.Entry))]));
        return conversations;
    }

    /// <summary>A second question about the same type: about the same member in another way, or about another one.</summary>
    private Question? FollowUp(Question first)
    {
        QuestionKind[] kinds = [QuestionKind.Returns, QuestionKind.Parameter, QuestionKind.Throws];
        var same = kinds
            .Where(k => k != first.Kind)
            .Select(k => Question.Ask(first.Entry, k, $"{_seed}|second"))
            .OfType<Question>()
            .FirstOrDefault();
        return same
            ?? Question.Ask(
                SeededSample.One(_siblings[first.Entry.Container], $"{_seed}|second|{first.Entry.Id}"),
                QuestionKind.Meaning,
                $"{_seed}|second"
            );
    }

    private List<PreferencePair> Preferences(int most)
    {
        var pairs = new List<PreferencePair>();
        foreach (var (rejected, share) in PreferenceMix)
        {
            var count = (int)(most * share);
            if (rejected == "invented")
            {
                count = Math.Min(count, (int)(pairs.Count / (1 - share)));
                pairs.AddRange(
                    InventedQuestions(count, "preferences").Select(q => new PreferencePair(q.Prompt, Refusal(q.Entry), q.Answer))
                );
                continue;
            }
            foreach (var question in _pool.Take(count, $"preferences|{rejected}"))
            {
                var bad = rejected switch { "other" => Other(question), "rambling" => Rambling(question), _ => Refusal(question.Entry) };
                if (bad is not null && bad != question.Answer) pairs.Add(new PreferencePair(question.Prompt, question.Answer, bad));
            }
        }
        return pairs;
    }

    // Another member of the same type where one differs: close enough to be a mistake worth learning from.
    private string? Other(Question question)
    {
        var salt = $"{_seed}|other|{question.Kind}|{question.Entry.Id}";
        foreach (var candidates in new[] { _siblings[question.Entry.Container], training })
        {
            for (var i = 0; i < 12; i++)
            {
                var other = Question.Ask(SeededSample.One(candidates, $"{salt}|{i}"), question.Kind, salt);
                if (other is not null && other.Answer != question.Answer) return other.Answer;
            }
        }
        return null;
    }

    private string Rambling(Question question)
    {
        var salt = $"{_seed}|rambling|{question.Kind}|{question.Entry.Id}";
        var extra = 2 + (int)(Artifacts.StableHash.Of(salt) % 3);
        var more = Enumerable
            .Range(0, extra)
            .Select(i => SeededSample.One(training, $"{salt}|{i}").Summary)
            .Where(s => s.Length is > 0 and <= Question.MaxAnswerChars);
        return string.Join(' ', more.Prepend(question.Answer));
    }

    private IEnumerable<Question> InventedQuestions(int count, string salt) =>
        _names.Questions(count, $"{_seed}|{salt}", $"{_seed}|{salt}");

    private string Refusal(Entry entry)
    {
        if (entry.Kind == EntryKind.Passage) return "I don't know how it goes on.";
        return entry.IsProse
            ? string.Format(SeededSample.One(TopicRefusals, $"{_seed}|refusal|{entry.Id}"), SectionQuestion.Topic(entry))
            : string.Format(SeededSample.One(Refusals, $"{_seed}|refusal|{entry.Id}"), entry.Signature);
    }
}
