using Dolmen.Data.Decontamination;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Extraction;
using Dolmen.Data.Filters;
using Dolmen.Data.Languages;
using Dolmen.Data.Privacy;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <summary>One record to one measured document. Every filter measures every text, also one that a filter before it drops. Shared by threads.</summary>
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

    public MeasuredDocument Measure(SourceRecord record)
    {
        var bytes = record.Html?.Length ?? System.Text.Encoding.UTF8.GetByteCount(record.Text ?? "");
        if (_urls?.Judge(record.Url) is { } unwanted) return Dropped(record, unwanted, bytes);
        var page = record.Html is { } html ? MainText.Extract(PageText.Decode(html, record.Charset), record.Url) : null;
        var extracted = page?.Text ?? record.Text ?? "";
        if (string.IsNullOrWhiteSpace(extracted)) return Dropped(record, new Exclusion("extraction.noText", 0, 1), bytes);

        // What the source declares is used where the text alone says nothing.
        var guess = record.Language.Length > 0 && _recipe.Filters == new FilterSettings() ? new LanguageGuess(record.Language, 1) : _identifier.Identify(extracted);
        var values = new double[_measures.Names.Count];
        values[0] = guess.Score;
        if (_measures.MixedAt >= 0) values[_measures.MixedAt] = 1 - LanguageMix.Of(extracted, _identifier, guess).LineShare;
        var view = TextView.Of(extracted, guess.Language, isMarkdown: page is not null);
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
        var contamination = Contamination(text, values);
        var signature = Signature(text, page?.Date is { Length: > 0 } published && record.Date.Length == 0 ? published : record.Date, record.Id);
        var before = _recipe.KeepBefore && text.Length != extracted.Length ? Masked(extracted) : null;
        return new MeasuredDocument(
            record.Id, record.Dump, record.Url, record.Date.Length > 0 ? record.Date : page?.Date ?? "", record.FilePath, record.Offset, page?.Title ?? "", record.Provenance,
            guess.Language, Masked(text), before, values, null, signature, bytes, contamination);
    }

    private string Contamination(string text, double[] values)
    {
        if (_items is null) return "";
        var hits = _items.Check(text, Words);
        values[_measures.ContaminatedAt] = hits.Count == 0 ? 0 : hits.Max(hit => hit.Share);
        return hits.Count == 0 ? "" : hits.OrderByDescending(hit => hit.Share).ThenBy(hit => hit.ItemId, StringComparer.Ordinal).First().ItemId;
    }

    private WordBuffer Words => _words.Value ?? throw new InvalidOperationException("There is a buffer for every thread.");

    public void Dispose() => _words.Dispose();

    private string Masked(string text) => _recipe.PersonalData is { } settings ? PersonalData.Mask(text, settings).Text : text;

    private MeasuredDocument Dropped(SourceRecord record, Exclusion why, long bytes)
    {
        var values = new double[_measures.Names.Count];
        Array.Fill(values, double.NaN);
        return new MeasuredDocument(
            record.Id, record.Dump, record.Url, record.Date, record.FilePath, record.Offset, "", record.Provenance, "und", "", null, values, why,
            Signature("", record.Date, record.Id), bytes);
    }

    private DocumentSignature? Signature(string text, string date, string id)
    {
        if (_recipe.Dedup is null) return null;
        var signature = new DocumentSignature { Text = TextDigest.Of(text), Priority = PriorityKey.Of(date, id), Length = text.Length };
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
