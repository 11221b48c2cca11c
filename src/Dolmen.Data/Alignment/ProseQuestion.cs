using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>Questions about a user's own texts, by what kind of text it is.</summary>
internal static class ProseQuestion
{
    public static Question? Ask(Entry entry, QuestionKind kind, string salt)
    {
        var question = (kind, entry.Kind) switch
        {
            (QuestionKind.Meaning, not EntryKind.Passage) => SectionQuestion.Ask(entry, salt),
            (QuestionKind.Definition, not EntryKind.Passage) => DefinitionQuestion.Ask(entry, salt),
            (QuestionKind.Cloze, EntryKind.Passage) => ClozeQuestion.Ask(entry, salt),
            _ => null,
        };
        return question is { Answer.Length: <= Question.MaxAnswerChars } ? question : null;
    }
}
