using Dolmen.Artifacts;
using Dolmen.Data.Documentation;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Building;

/// <summary>The documents of a cleaned corpus, each read once: their sections go to the index and, of as many documents as memory should
/// hold, to the questions. Both know a section by the same id.</summary>
/// <param name="documentation">What is in the first file of documents and is known as entries.</param>
/// <param name="maxHeldOut">Held-out documents that questions are asked about.</param>
/// <param name="maxIndexedChars">The most of all that is indexed: what was held out first, since questions ask for it.</param>
internal sealed class CrawledDocuments(
    string corpus,
    DocumentationPart? documentation,
    int maxHeldOut,
    CancellationToken stop,
    long maxIndexedChars = 256L << 20
)
{
    private const long MaxAskedChars = 24L << 20;

    private readonly Funnel _ignored = new();
    private readonly UniqueNames _ids = new((id, copy) => CorpusPassages.Place($"{id}^{copy}"));
    private long _indexed;

    /// <summary>Sections of training documents.</summary>
    public List<Entry> Training { get; } = [];

    public List<Entry> HeldOut { get; } = [];

    /// <summary>The training documents that questions are asked about, those of documentation among them.</summary>
    public List<string> Texts { get; } = [];

    public long Chars { get; private set; }

    public int Count { get; private set; }

    /// <summary>Training documents that are documentation.</summary>
    public int Explained { get; private set; }

    /// <summary>Of all lines held out, entries of documentation included.</summary>
    public long HeldOutChars { get; private set; }

    public int HeldOutCount { get; private set; }

    public long NotIndexed { get; private set; }

    /// <summary>The sections to be indexed. When all are taken, everything else is known.</summary>
    public IEnumerable<Entry> Read()
    {
        var known = (documentation?.HeldOut ?? []).Select(entry => entry.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var held in CorpusText.ReadHeldOutRows(corpus))
        {
            stop.ThrowIfCancellationRequested();
            HeldOutChars += held.Text.Length;
            var isAsked = HeldOutCount++ < maxHeldOut;
            if (known.Contains(held.Id)) continue;
            var isIndexed = Fits(held.Text);
            if (!isAsked && !isIndexed) continue;
            var sections = Sections(held.Text, held.Id, held.Id, held.Id);
            if (isAsked) HeldOut.AddRange(sections);
            if (!isIndexed) continue;
            foreach (var section in sections) yield return section;
        }
        long sampled = 0;
        foreach (var document in CorpusText.ReadPlaced(corpus))
        {
            stop.ThrowIfCancellationRequested();
            Chars += document.Text.Length;
            Count++;
            var isExplained = documentation is not null && document.Shard == 0;
            var isAsked = sampled <= MaxAskedChars;
            if (isExplained) Explained++;
            if (isAsked)
            {
                sampled += document.Text.Length;
                Texts.Add(document.Text);
            }
            if (isExplained) continue;
            var isIndexed = Fits(document.Text);
            if (!isAsked && !isIndexed) continue;
            var sections = Sections(document.Text, PlaceOf(document), document.Id, TitleOf(document));
            if (isAsked) Training.AddRange(sections);
            if (!isIndexed) continue;
            foreach (var section in sections) yield return section;
        }
    }

    private bool Fits(string text)
    {
        if (NotIndexed == 0 && (_indexed += text.Length) <= maxIndexedChars) return true;
        NotIndexed++;
        return false;
    }

    private List<Entry> Sections(string text, string place, string id, string title) =>
        [.. MarkdownReader.Parse(text, place, _ignored, _ids.Of(CorpusPassages.Place(id)), title)];

    private static string PlaceOf(PlacedText document) =>
        document.Url.Length > 0 ? document.Url : document.FilePath.Length > 0 ? document.FilePath : document.Id;

    // Of a text without headings. The rows of a table share the table's name, so that says nothing.
    private static string TitleOf(PlacedText document)
    {
        if (SectionTitle.Clean(document.Title) is { Length: > 0 } title) return title;
        if (document.Url.Length == 0) return document.Id;
        return Path.GetFileNameWithoutExtension(document.Url) is { Length: > 0 } name ? name : document.Url;
    }
}
