using Dolmen.Artifacts;
using Dolmen.Data.Decontamination;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Languages;
using Dolmen.Data.Privacy;
using Dolmen.Data.Sources;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Cleaning;

/// <summary>One record to one measured document. Every filter measures every text, also one that a filter before it drops. Shared by
/// threads.</summary>
internal sealed class Measurer : IDisposable
{
    private readonly CleaningRecipe _recipe;
    private readonly MeasureSet _measures;
    private readonly ILanguageIdentifier _identifier;
    private readonly UrlFilter? _urls;
    private readonly MinHash? _minHash;
    private readonly ContaminationIndex? _items;
    private static readonly ulong[] NoBands = new ulong[new MinHashSettings().Buckets];

    private readonly ThreadLocal<WordBuffer> _words = new(() => new WordBuffer());

    public Measurer(CleaningRecipe recipe, MeasureSet measures, ILanguageIdentifier identifier)
    {
        (_recipe, _measures, _identifier) = (recipe, measures, identifier);
        _urls = recipe.Url is { } url ? new UrlFilter(url) : null;
        if (recipe.Decontaminate is { } decontaminate)
        {
            _items = new ContaminationIndex(decontaminate.NgramWords);
            foreach (var file in decontaminate.Items)
                foreach (var (id, text) in EvaluationItems.Read(file)) _items.Add(id, text);
        }
        _minHash = recipe.Dedup?.MinHash is { } minHash ? new MinHash(minHash) : null;
    }

    /// <summary>Names of what each document's measures hold, in their order.</summary>
    public IReadOnlyList<string> Names => _measures.Names;

    public MeasuredDocument Measure(SourceRecord record, Funnel? funnel = null) => Measure(Extract(record, funnel), []);

    /// <summary>A document that nobody judges: nothing is measured but its length and what tells a copy of it. Documents made of entries
    /// end in a line break, which texts of other sources do not, and are copies all the same.</summary>
    public MeasuredDocument TakeAsItIs(SourceRecord record)
    {
        var text = record.Text ?? "";
        var values = new double[_measures.Names.Count];
        Array.Fill(values, double.NaN);
        var signature = _recipe.Dedup is null
            ? null
            : new DocumentSignature
            {
                Text = TextDigest.Of(text.TrimEnd()),
                Priority = PriorityKey.Of(record.Header.Date, record.Header.Id),
                Length = text.Length,
                Bands = NoBands,
            };
        return new MeasuredDocument(
            record.Header,
            record.Language.Length > 0 ? record.Language : LanguageGuess.Unknown.Language,
            text,
            null,
            values,
            null,
            signature,
            System.Text.Encoding.UTF8.GetByteCount(text)
        );
    }

    /// <param name="funnel">Where pages are noted whose bytes had to be replaced or whose elements nest too deep.</param>
    public ExtractedDocument Extract(SourceRecord record, Funnel? funnel = null)
    {
        var header = record.Header;
        var bytes = record.Html?.Length ?? System.Text.Encoding.UTF8.GetByteCount(record.Text ?? "");
        if (_urls?.Judge(header.Url) is { } unwanted)
            return Dropped(unwanted);
        var page = record.Html is { } html
            ? MainText.Extract(PageText.DecodeCounted(html, record.Charset, funnel), header.Url, funnel)
            : null;
        var text = page?.Text ?? record.Text ?? "";
        if (text.AsSpan().Trim('\uFFFD').IsWhiteSpace()) return Dropped(new Exclusion("extraction.noText", 0, 1));
        // What the source declares is used where the text alone says nothing.
        var guess =
            record.Language.Length > 0 && _recipe.Filters == new FilterSettings()
                ? new LanguageGuess(record.Language, 1)
                : _identifier.Identify(text);
        return new ExtractedDocument(
            header with { Date = header.Date.Length > 0 ? header.Date : page?.Date ?? "", Title = page?.Title ?? "" },
            guess,
            text,
            page is not null,
            null,
            bytes
        );

        ExtractedDocument Dropped(Exclusion why) =>
            new(header, LanguageGuess.Unknown, "", false, why, bytes);
    }

    /// <summary>Extracts a text and signs it as it is, so that copies are known before anything is cut.</summary>
    public ExtractedDocument ExtractSigned(SourceRecord record, Funnel? funnel = null)
    {
        var document = Extract(record, funnel);
        return document with { Signature = Signature(document.Text, document.Header) };
    }

    /// <param name="cuts">Parts of the text that stand elsewhere in the corpus: everything is measured without them.</param>
    public MeasuredDocument Measure(ExtractedDocument document, ReadOnlySpan<CutRange> cuts)
    {
        var values = new double[_measures.Names.Count];
        if (document.Dropped is not null)
        {
            Array.Fill(values, double.NaN);
            return Measured(document, "", values, "");
        }
        var guess = document.Guess;
        var given = cuts.IsEmpty ? document.Text : CutRange.Cut(document.Text, cuts);
        if (_measures.CutAt >= 0) Count(document.Text.Length, given.Length, cuts, values.AsSpan(_measures.CutAt));
        values[0] = guess.Score;
        if (_measures.MixedAt >= 0) values[_measures.MixedAt] = 1 - LanguageMix.Of(given, _identifier, guess).LineShare;
        var view = TextView.Of(given, guess.Language, document.IsMarkdown);
        for (var i = 0; i < _measures.Filters.Count; i++)
        {
            var filter = _measures.Filters[i];
            var edited = filter.Edit(view, guess.Language);
            if (!ReferenceEquals(edited, view))
            {
                view.Dispose();
                view = edited;
            }
            filter.Measure(view, guess.Language, values.AsSpan(_measures.FirstOf(i), filter.Measures.Count));
        }
        var text = view.Text;
        view.Dispose();
        return Measured(document, text, values, Contamination(text, values));
    }

    private MeasuredDocument Measured(ExtractedDocument d, string text, double[] values, string contamination) =>
        new(
            d.Header,
            d.Guess.Language,
            Masked(text),
            _recipe.KeepBefore && text.Length != d.Text.Length ? Masked(d.Text) : null,
            values,
            d.Dropped,
            Signature(text, d.Header),
            d.Bytes,
            contamination
        );

    private static void Count(int before, int after, ReadOnlySpan<CutRange> cuts, Span<double> values)
    {
        foreach (var cut in cuts) values[(int)cut.Kind]++;
        values[3] = (double)(before - after) / before;
        values[4] = cuts.IsEmpty ? double.NaN : after;
    }

    private string Contamination(string text, double[] values)
    {
        if (_items is null) return "";
        var hits = _items.Check(text, Words);
        values[_measures.ContaminatedAt] = hits.Count == 0 ? 0 : hits.Max(hit => hit.Share);
        return hits.Count == 0
            ? ""
            : hits.OrderByDescending(hit => hit.Share).ThenBy(hit => hit.ItemId, StringComparer.Ordinal).First().ItemId;
    }

    private WordBuffer Words => _words.Value ?? throw new InvalidOperationException("There is a buffer for every thread.");

    public void Dispose() => _words.Dispose();

    private string Masked(string text) => _recipe.PersonalData is { } settings ? PersonalData.Mask(text, settings).Text : text;

    private DocumentSignature? Signature(string text, DocumentHeader header)
    {
        if (_recipe.Dedup is null) return null;
        var signature = new DocumentSignature
        {
            Text = TextDigest.Of(text),
            Priority = PriorityKey.Of(header.Date, header.Id),
            Length = text.Length,
        };
        if (_minHash is null)
        {
            signature.Bands = NoBands;
        }
        else
        {
            Words.Clear();
            NormalisedWords.Hash(text, Words);
            _minHash.Signature(Words.Hashes, signature);
        }
        return signature;
    }
}
