using System.Globalization;
using Dolmen.Artifacts.Reports;
using static Dolmen.Artifacts.Reports.HtmlPage;

namespace Dolmen.Data.Reports;

/// <summary>The languages of a corpus beside those who speak them and beside the web.</summary>
internal static class LanguageComparison
{
    /// <summary>A language is under-represented when its share of the documents is less than that of its speakers by more than
    /// this.</summary>
    public const double Factor = 4;

    private const int Shown = 50;

    /// <summary>Shares of the kept documents whose language is known; the listed languages by number of speakers.</summary>
    public static IEnumerable<(string Code, WorldLanguage Language, double Corpus, double World)> Shares(
        IReadOnlyDictionary<string, Flow> languages
    )
    {
        var kept = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (code, flow) in languages)
            if (code != "und") kept[WorldLanguages.Listed(code)] = kept.GetValueOrDefault(WorldLanguages.Listed(code)) + flow.Kept;
        double all = kept.Values.Sum();
        return WorldLanguages.All.OrderByDescending(l => l.Value.Speakers).ThenBy(l => l.Key, StringComparer.Ordinal)
            .Select(l => (l.Key, l.Value, all > 0 ? kept.GetValueOrDefault(l.Key) / all : 0, l.Value.Speakers / WorldLanguages.Speakers));
    }

    public static bool IsUnder(double corpus, double world) => corpus * Factor < world;

    public static void Add(HtmlPage page, IReadOnlyDictionary<string, Flow> languages)
    {
        page.Section("Languages beside their speakers and the web");
        var shares = Shares(languages).Take(Shown).ToList();
        var under = shares.Where(s => IsUnder(s.Corpus, s.World)).ToList();
        page.Note(
            $"{under.Count} of the {shares.Count} languages with most speakers are under-represented: their share of the kept documents is "
                + $"less than a {Number(Factor)}th of their share of the speakers of all {WorldLanguages.All.Count} languages listed. "
                + "Where the recipe keeps few languages that is what was asked for. Columns are shares of the kept documents, of speakers "
                + "and of the web's pages, and the first divided by the others."
        );
        // A row for each of those that are absent would say forty times the same.
        var absent = shares.Where(s => s.Corpus == 0).Select(s => s.Code).ToList();
        if (absent.Count > 0)
            page.Note($"{absent.Count} of them are absent: {string.Join(", ", absent)}.");
        page.Flagged(
            ["language", "", "documents", "speakers", "millions", "web", "÷ speakers", "÷ web", ""],
            shares
                .Where(s => s.Corpus > 0)
                .Select(s =>
                    (string[])
                        [
                            s.Code,
                            s.Language.Name,
                            Percent(s.Corpus),
                            Percent(s.World),
                            s.Language.Speakers.ToString("N1", CultureInfo.InvariantCulture),
                            s.Language.Web is { } web ? Percent(web / 100) : "",
                            Number(s.Corpus / s.World),
                            s.Language.Web is > 0 and var pages ? Number(s.Corpus * 100 / pages) : "",
                            IsUnder(s.Corpus, s.World) ? "under-represented" : "",
                        ]
                )
        );
        page.Note(WorldLanguages.Source);
    }
}
