using Dolmen.Artifacts;
using Dolmen.Data.Building;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;

namespace Dolmen.Data.Alignment;

/// <summary>A question whose answer stands in a passage, word for word.</summary>
internal static class OpenBookQuestion
{
    /// <summary>What a reader is asked, in fixed shares: more of what has to be found inside a passage than is asked without
    /// one.</summary>
    public static readonly IReadOnlyList<(QuestionKind Kind, double Share)> Mix =
    [
        (QuestionKind.Meaning, 0.26),
        (QuestionKind.Which, 0.24),
        (QuestionKind.Returns, 0.16),
        (QuestionKind.Throws, 0.12),
        (QuestionKind.Parameter, 0.22),
    ];

    /// <summary>Of the questions that name a member, how many do not name it as its heading does, quoted.</summary>
    private const double PlainShare = 0.15, WithoutNamespaceShare = 0.15, NameShare = 0.10;

    /// <summary>The entry as the index holds it; of long prose the beginning.</summary>
    public static Passage PassageOf(Entry entry) =>
        CorpusPassages.Of(entry).FirstOrDefault() ?? new Passage(entry.Id, entry.Signature, "", entry.Source);

    /// <summary>Null where the answer does not stand in the passage as a prompt holds it.</summary>
    /// <param name="hasOverloads">A member with overloads is always named with its parameters.</param>
    public static Question? Ask(Entry entry, QuestionKind kind, string salt, bool hasOverloads)
    {
        if (Question.Ask(entry, kind, salt) is not { } asked) return null;
        var question = asked with { Answer = InPassage(asked), Label = Label(asked) };
        return Stands(question) ? question with { Prompt = Named(question, salt, hasOverloads) } : null;
    }

    /// <summary>How results call the part of a passage that a question asks for.</summary>
    public static string Field(QuestionKind kind) => kind switch
    {
        QuestionKind.Meaning => "summary",
        QuestionKind.Which => "which",
        QuestionKind.Returns => "returns",
        QuestionKind.Throws => "exceptions",
        QuestionKind.Parameter => "parameters",
        QuestionKind.Definition => "definition",
        QuestionKind.Cloze => "cloze",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The answer as the passage has it.</summary>
    private static string InPassage(Question question) => question.Kind switch
    {
        _ when question.Entry.IsProse => question.Answer,
        QuestionKind.Which => question.Entry.Signature,
        QuestionKind.Throws => MemberLines.Throws(question.Entry),
        _ => MemberLines.Line(question.Answer),
    };

    // Of prose only the line that it opens with has a label.
    private static string Label(Question question) => !question.Entry.IsProse ? question.Label
        : question.Entry.Summary.StartsWith(question.Answer, StringComparison.Ordinal) ? PassageLines.Summary : "";

    private static bool Stands(Question question) =>
        question.Kind == QuestionKind.Which
        || OpenBookPrompt.Of([PassageOf(question.Entry)], "").Contains(question.Answer, StringComparison.Ordinal);

    private static string Named(Question question, string salt, bool hasOverloads)
    {
        if (!question.Entry.IsMember || question.Kind == QuestionKind.Which) return question.Prompt;
        var draw = StableHash.Fraction($"{salt}|named|{question.Kind}|{question.Entry.Id}");
        var whole = question.Entry.Signature;
        var quoted = $"`{whole}`";
        var name = draw < PlainShare ? whole
            : draw < PlainShare + WithoutNamespaceShare ? WithoutNamespace(question.Entry)
            : draw < PlainShare + WithoutNamespaceShare + NameShare && !hasOverloads ? WithoutParameters(WithoutNamespace(question.Entry))
            : quoted;
        return question.Prompt.Replace(quoted, name, StringComparison.Ordinal);
    }

    // System.String.Trim(Char c) as people write it: String.Trim(Char c).
    private static string WithoutNamespace(Entry entry)
    {
        var generic = entry.Container.IndexOf('<', StringComparison.Ordinal);
        var dot = (generic < 0 ? entry.Container : entry.Container[..generic]).LastIndexOf('.');
        return dot < 0 ? entry.Signature : entry.Signature.Replace(entry.Container[..(dot + 1)], "", StringComparison.Ordinal);
    }

    private static string WithoutParameters(string signature)
    {
        var open = signature.IndexOf('(', StringComparison.Ordinal);
        return open < 0 ? signature : signature[..open];
    }
}
