using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;

namespace Dolmen.Data.Alignment;

/// <summary>Questions about held-out entries, with the passage that answers them among others of the whole corpus.</summary>
internal static class OpenBookItems
{
    public static List<OpenBookItem> Build(IReadOnlyList<Entry> heldOut, IReadOnlyList<Entry> all, int count, string seed)
    {
        var neighbours = new OpenBookNeighbours(all);
        var pool = new QuestionPool(heldOut, $"{seed}|open book evaluation", all);
        var questions = pool.Take(
            count,
            "held out",
            [.. OpenBookQuestion.Mix.Select(kind => (kind.Kind, 1.0 / OpenBookQuestion.Mix.Count))],
            (entry, kind, salt) => OpenBookQuestion.Ask(entry, kind, salt, neighbours.HasOverloads(entry))
        );
        return [.. questions.Select(question => Item(question, neighbours, seed))];
    }

    private static OpenBookItem Item(Question question, OpenBookNeighbours neighbours, string seed)
    {
        var described = question.Kind == QuestionKind.Which;
        var others = neighbours.Of(question.Entry, OpenBookPrompt.DefaultPassages - 1, $"{seed}|open book evaluation", described: described)
            .Where(other => !described || other.Summary != question.Entry.Summary);
        var shown = SeededSample.Shuffled([question.Entry, .. others], $"{seed}|open book places|{question.Prompt}", entry => entry.Id);
        return new OpenBookItem(
            question.Entry.Id,
            OpenBookQuestion.Field(question.Kind),
            question.Prompt,
            question.Answer,
            [.. shown.Select(OpenBookQuestion.PassageOf)]
        );
    }
}
