using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;

namespace Dolmen.Data.Alignment;

/// <summary><see cref="Definition"/> and <see cref="Cloze"/> are asked about prose: what a sentence defines, and how one goes on.</summary>
internal enum QuestionKind { Meaning, Which, Returns, Throws, Parameter, Definition, Cloze }

/// <summary>A question about one entry and its right answer, both by rule.</summary>
/// <param name="Label">Of the passage's line that answers it (<see cref="PassageLines"/>); empty where it has none.</param>
internal sealed record Question(Entry Entry, QuestionKind Kind, string Prompt, string Answer, string Label = "")
{
    public const int MaxAnswerChars = 600;

    private static readonly string[] Callable =
    [
        "What does `{0}` do?",
        "What is `{0}` for?",
        "Explain `{0}`.",
        "Tell me about `{0}`.",
        "Describe `{0}` in one sentence.",
        "What happens when I call `{0}`?",
    ];

    private static readonly string[] Noun =
    [
        "What is `{0}`?",
        "What is `{0}` for?",
        "Explain `{0}`.",
        "Tell me about `{0}`.",
        "Describe `{0}` in one sentence.",
        "What does `{0}` stand for?",
    ];

    private static readonly string[] WhichVerb =
    [
        "Which member of `{0}` {1}?",
        "What member of `{0}` {1}?",
        "In `{0}`, which member {1}?",
        "Name the member of `{0}` that {1}.",
        "I need the member of `{0}` that {1}. Which is it?",
    ];

    private static readonly string[] WhichNoun =
    [
        "Which member of `{0}` is described as \"{1}\"?",
        "Which member of `{0}` has this summary: \"{1}\"?",
        "In `{0}`, which member is this: \"{1}\"?",
        "Name the member of `{0}` described as \"{1}\".",
        "What member of `{0}` does this describe: \"{1}\"?",
    ];

    private static readonly string[] Return =
    [
        "What does `{0}` return?",
        "What is the return value of `{0}`?",
        "What do I get back from `{0}`?",
        "Describe the result of `{0}`.",
        "Which value does `{0}` give?",
    ];

    private static readonly string[] Throw =
    [
        "What does `{0}` throw?",
        "Which exceptions does `{0}` throw?",
        "When does `{0}` throw?",
        "How can `{0}` fail?",
        "What exceptions should I expect from `{0}`?",
    ];

    private static readonly string[] Parameter =
    [
        "What is the parameter `{1}` of `{0}`?",
        "What does the parameter `{1}` of `{0}` mean?",
        "In `{0}`, what is `{1}`?",
        "What do I pass as `{1}` to `{0}`?",
        "Explain the parameter `{1}` of `{0}`.",
    ];

    /// <summary>Null where the entry has nothing to ask about in this way. <paramref name="salt"/> chooses the phrasing and the
    /// parameter.</summary>
    public static Question? Ask(Entry entry, QuestionKind kind, string salt)
    {
        if (entry.IsProse) return ProseQuestion.Ask(entry, kind, salt);
        if (!Answers(entry, kind)) return null;
        var hash = StableHash.Of($"{salt}|{kind}|{entry.Id}");
        var (phrasings, about, answer, label) = kind switch
        {
            QuestionKind.Meaning => (MeaningOf(entry), "", entry.Summary, PassageLines.Summary),
            QuestionKind.Which => (
                StartsWithVerb(entry.Summary) ? WhichVerb : WhichNoun, Clause(entry.Summary), $"`{entry.Signature}`", PassageLines.Name),
            QuestionKind.Returns => (Return, "", entry.Returns, PassageLines.Returns),
            QuestionKind.Throws => (Throw, "", Documents.Exceptions(entry), PassageLines.Throws),
            QuestionKind.Parameter => Chosen(entry.Params[(int)(hash / 64 % (ulong)entry.Params.Count)]),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        if (answer.Length is 0 or > MaxAnswerChars || about.Length > MaxAnswerChars) return null;
        var subject = kind == QuestionKind.Which ? entry.Container : entry.Signature;
        return new Question(entry, kind, string.Format(phrasings[(int)(hash % (ulong)phrasings.Length)], subject, about), answer, label);

        static (string[], string, string, string) Chosen(NamedText parameter) =>
            (Parameter, parameter.Name, parameter.Text, parameter.Name);
    }

    private static bool Answers(Entry entry, QuestionKind kind) => kind switch
    {
        QuestionKind.Which => entry.IsMember,
        QuestionKind.Returns => entry.Returns.Length > 0,
        QuestionKind.Throws => entry.Exceptions.Count > 0,
        QuestionKind.Parameter => entry.Params.Count > 0,
        _ => entry.Summary.Length > 0,
    };

    private static string[] MeaningOf(Entry entry) => entry.Kind switch
    {
        EntryKind.Method or EntryKind.Constructor or EntryKind.Operator => Callable,
        _ => Noun,
    };

    // API summaries open in the third person: "Removes all …", "Gets or sets …".
    private static bool StartsWithVerb(string summary)
    {
        var space = summary.IndexOf(' ', StringComparison.Ordinal);
        return space > 3
            && summary[space - 1] == 's'
            && char.IsUpper(summary[0])
            && summary.AsSpan(1, space - 1).IndexOfAnyExceptInRange('a', 'z') < 0;
    }

    private static string Clause(string summary)
    {
        var end = summary.IndexOf(". ", StringComparison.Ordinal);
        var sentence = (end > 0 ? summary[..end] : summary).TrimEnd('.');
        return StartsWithVerb(summary) ? char.ToLowerInvariant(sentence[0]) + sentence[1..] : sentence;
    }
}
