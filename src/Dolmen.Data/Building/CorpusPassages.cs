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

    /// <summary>The most of a crawl that is indexed.</summary>
    private const long MaxCrawlChars = 256L << 20;

    /// <summary>An entry without its heading, which is the title; prose in several pieces, each under the same title.</summary>
    public static IEnumerable<Passage> Of(Entry entry)
    {
        var text = Documents.Section(entry);
        if (entry.Kind != EntryKind.Passage) text = text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        text = text.Trim();
        if (text.Length == 0) yield break;
        var title = Start(entry.Signature, Passage.MaxTitleChars);
        if (!entry.IsProse)
        {
            yield return new Passage(Place(entry.Id), title, Start(text, Passage.MaxTextChars), Place(entry.Source));
            yield break;
        }
        var number = 0;
        foreach (var piece in Pieces(text))
            yield return new Passage(Place(++number == 1 ? entry.Id : $"{entry.Id}~{number}"), title, piece, Place(entry.Source));
    }

    /// <summary>All entries in the order of their ids.</summary>
    public static IEnumerable<Passage> Of(IEnumerable<Entry> entries) =>
        entries.OrderBy(entry => entry.Id, StringComparer.Ordinal).SelectMany(Of);

    /// <summary>Writes <see cref="CorpusFolder.Passages"/> of entries and of the sections of whole documents.</summary>
    /// <param name="documents">Address or file of each, and its text with headings as Markdown has them.</param>
    public static void Write(
        string directory,
        IEnumerable<Entry> entries,
        IEnumerable<(string Source, string Text)> documents,
        Funnel funnel,
        CancellationToken stop
    )
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var passages = Of(entries).Concat(OfDocuments(documents, funnel));
        PassageFile.Write(Path.Combine(directory, CorpusFolder.Passages), passages.Select(Unique));

        // Two documents may have one address.
        Passage Unique(Passage passage)
        {
            stop.ThrowIfCancellationRequested();
            for (var copy = 2; !ids.Add(passage.Id); copy++) passage = passage with { Id = Place($"{passage.Id}^{copy}") };
            return passage;
        }
    }

    private static IEnumerable<Passage> OfDocuments(IEnumerable<(string Source, string Text)> documents, Funnel funnel)
    {
        var ignored = new Funnel();
        long chars = 0, leftOut = 0;
        foreach (var (source, text) in documents)
        {
            if ((chars += text.Length) > MaxCrawlChars)
            {
                leftOut++;
                continue;
            }
            foreach (var passage in MarkdownReader.Parse(text, source, ignored).SelectMany(Of)) yield return passage;
        }
        if (leftOut > 0) funnel.Note("documents-not-indexed", leftOut);
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
        return start + PieceChars - (char.IsHighSurrogate(window[^1]) ? 1 : 0);
    }

    private static string Place(string place) =>
        place.Length <= Passage.MaxPlaceChars ? place : $"{place[..1000]}…{StableHash.Sha256(place)}";

    private static string Start(string text, int most) =>
        text.Length <= most ? text : text[..(most - (char.IsHighSurrogate(text[most - 1]) ? 1 : 0))];
}
