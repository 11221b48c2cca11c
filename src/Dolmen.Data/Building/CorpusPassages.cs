using Dolmen.Artifacts;
using Dolmen.Data.Readers;
using Dolmen.Retrieval;

namespace Dolmen.Data.Building;

/// <summary>What a corpus explains as passages for an index, held-out entries included: in use the documents are there, only training must
/// not see them.</summary>
internal static class CorpusPassages
{
    /// <summary>Prose is cut into pieces that a prompt holds whole; what is said about a member stays together.</summary>
    private const int PieceChars = OpenBookPrompt.MaxPassageChars;

    /// <summary>An entry as labelled lines without its heading, which is the title; prose in several pieces, each under the same
    /// title.</summary>
    public static IEnumerable<Passage> Of(Entry entry)
    {
        var text = (entry.IsProse ? Prose(entry) : MemberLines.Of(entry)).Trim();
        if (text.Length == 0) yield break;
        var title = TextStart.Of(entry.Signature, Passage.MaxTitleChars);
        if (!entry.IsProse)
        {
            yield return new Passage(Place(entry.Id), title, TextStart.Of(text, Passage.MaxTextChars), Place(entry.Source));
            yield break;
        }
        var number = 0;
        foreach (var piece in Pieces(text))
            yield return new Passage(Place(++number == 1 ? entry.Id : $"{entry.Id}~{number}"), title, piece, Place(entry.Source));
    }

    private static string Prose(Entry entry)
    {
        var text = Documents.Section(entry);
        if (entry.Kind == EntryKind.Passage) return text;
        var body = text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        return entry.Summary.Length > 0 ? PassageLines.Of(PassageLines.Summary, body) : body;
    }

    /// <summary>All entries in the order of their ids.</summary>
    public static IEnumerable<Passage> Of(IEnumerable<Entry> entries) =>
        entries.OrderBy(entry => entry.Id, StringComparer.Ordinal).SelectMany(Of);

    /// <summary>Writes <see cref="CorpusFolder.Passages"/> of entries, by their ids, and of the sections of whole documents, as they
    /// come.</summary>
    public static void Write(string directory, IEnumerable<Entry> entries, IEnumerable<Entry> sections, CancellationToken stop)
    {
        var ids = new UniqueNames((id, copy) => Place($"{id}^{copy}"));
        var passages = Of(entries).Concat(sections.SelectMany(Of));
        PassageFile.Write(Path.Combine(directory, CorpusFolder.Passages), passages.Select(Unique));

        // The id of a section may be what a document is called.
        Passage Unique(Passage passage)
        {
            stop.ThrowIfCancellationRequested();
            return passage with { Id = ids.Of(passage.Id) };
        }
    }

    /// <summary>Paragraphs, as many together as fit; of a longer one sentences, of a longer sentence words.</summary>
    private static IEnumerable<string> Pieces(string text)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = start + PieceChars >= text.Length ? text.Length : End(text, start);
            if (text[start..end].Trim() is { Length: > 0 } piece) yield return piece;
            start = end;
        }
    }

    private static int End(string text, int start)
    {
        var window = text.AsSpan(start, PieceChars);
        if (window.LastIndexOf("\n\n") is > PieceChars / 4 and var paragraph) return start + paragraph;
        for (var i = PieceChars - 1; i > PieceChars / 4; i--)
            if (window[i - 1] is '.' or '!' or '?' && char.IsWhiteSpace(window[i])) return start + i;
        if (window.LastIndexOfAny(" \n\t") is > 0 and var space) return start + space;
        return start + TextStart.Length(text.AsSpan(start), PieceChars);
    }

    /// <summary>An id or place of any length as an index holds it.</summary>
    public static string Place(string place) =>
        place.Length <= Passage.MaxPlaceChars ? place : $"{TextStart.Of(place, 1000)}…{StableHash.Sha256(place)}";
}
