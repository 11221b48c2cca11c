using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Inputs;
using Dolmen.Data.Languages;
using Dolmen.Data.Privacy;
using Dolmen.Data.Sources;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Benchmarks;

/// <summary>Megabytes a second on one core, stage by stage and whole, each beside what one would otherwise do with the same
/// bytes.</summary>
internal sealed partial class DataBenchmark : Benchmark
{
    private const long MostPageBytes = 48 << 20;
    private const int Rounds = 5;
    private const double FewestSeconds = 0.3;
    private const double WarmUpSeconds = 2;

    public override string Name => "data";

    public override string Description => "MB/s on one core from WARC to corpus, stage by stage; --input FILE… measures on crawls of yours";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null, []), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs given, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (given.Model is not null) throw new UserErrorException("--model is nothing to bench data: leave it out.");
        var inputs = given.Paths;
        var folder = Directory.CreateTempSubdirectory("dolmen-bench-").FullName;
        try
        {
            progress.Report(new StageProgress("bench data", 0, 0, "cases", "making pages"));
            if (inputs.Count == 0)
            {
                inputs = [Path.Combine(folder, "pages.warc.gz")];
                SyntheticCrawl.Write(inputs[0], stop);
            }
            var data = new CrawlSample(InputFiles.Find(inputs, new Funnel()), MostPageBytes, folder, stop);
            var cases = Cases(data, stop).ToList();
            for (var i = 0; i < cases.Count; i++)
            {
                stop.ThrowIfCancellationRequested();
                progress.Report(new StageProgress("bench data", i, cases.Count, "cases", cases[i].Name));
                yield return Measure(cases[i]);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <param name="Bytes">Worked on in one turn.</param>
    internal sealed record Case(string Name, long Bytes, Action Ours, string Rival, Action Theirs);

    internal static IEnumerable<Case> Cases(CrawlSample data, CancellationToken stop)
    {
        var parser = new HtmlParser();
        void Parse()
        {
            foreach (var page in data.Pages) parser.ParseDocument(page).Dispose();
        }
        void CountWords()
        {
            foreach (var text in data.Texts) Words().Count(text);
        }

        yield return new("WARC reading", data.PageBytes, data.ReadRecords, "uncompressing alone", data.Uncompress);
        yield return new("decoding", data.PageBytes, data.Decode, "Encoding.UTF8.GetString", data.DecodePlainly);
        yield return new(
            "main text",
            data.PageBytes,
            () =>
            {
                foreach (var page in data.Pages)
                    MainText.Extract(page);
            },
            "AngleSharp, parsing alone",
            Parse
        );

        var identifier = LanguageIdentifiers.Load(null);
        yield return new(
            "language",
            data.TextBytes,
            () =>
            {
                foreach (var text in data.Texts)
                    identifier.Identify(text);
            },
            "regular expression \\w+",
            CountWords
        );
        yield return new(
            "cutting into words",
            data.TextBytes,
            () =>
            {
                foreach (var text in data.Texts)
                    TextView.Of(text, "en").Dispose();
            },
            "regular expression \\w+",
            CountWords
        );
        foreach (var filter in FilterSet.Create(new FilterSettings(new(), new(), new(), new(), new(), new(), new())))
            yield return new(
                $"filter {filter.Name}",
                data.TextBytes,
                () => data.Filter([filter], cut: false),
                "regular expression \\w+",
                CountWords
            );
        var fineWeb = FilterSet.Create(FilterSettings.FineWeb);
        yield return new(
            "all heuristics, words cut",
            data.TextBytes,
            () => data.Filter(fineWeb, cut: true),
            "regular expression \\w+",
            CountWords
        );
        yield return new("MinHash signature", data.TextBytes, data.Sign, "SHA-256 of each word 5-gram", data.HashShingles);
        yield return new(
            "personal data",
            data.TextBytes,
            () =>
            {
                foreach (var text in data.Texts)
                    PersonalData.Mask(text);
            },
            "regular expression of e-mails",
            () =>
            {
                foreach (var text in data.Texts)
                    Emails().Count(text);
            }
        );
        yield return new("whole pipeline", data.PageBytes, () => data.Build(stop), "AngleSharp, parsing alone", Parse);
    }

    private static BenchmarkRow Measure(Case one)
    {
        var start = Stopwatch.GetTimestamp();
        double seconds;
        do
        {
            seconds = Seconds(one.Ours);
            Seconds(one.Theirs);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);
        var turns = Math.Max(1, (int)(FewestSeconds / Math.Max(seconds, 1e-6)));
        var (ours, theirs) = (new double[Rounds], new double[Rounds]);
        for (var round = 0; round < Rounds; round++)
        {
            ours[round] = one.Bytes / 1e6 * turns / Seconds(() => Repeat(one.Ours, turns));
            theirs[round] = one.Bytes / 1e6 / Seconds(one.Theirs);
        }
        var (mine, rival) = (Measured.Of(ours), Measured.Of(theirs));
        return new(
            $"{one.Name} ({one.Rival} {rival.Median:0.#} MB/s)",
            mine.Median,
            "MB/s",
            one.Rival,
            mine.Median / rival.Median,
            Rounds,
            mine.Spread
        );
    }

    private static void Repeat(Action action, int turns)
    {
        for (var turn = 0; turn < turns; turn++) action();
    }

    private static double Seconds(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();

    [GeneratedRegex(@"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")]
    private static partial Regex Emails();
}

/// <summary>Pages of a crawl in memory, as far as a benchmark needs them.</summary>
internal sealed class CrawlSample
{
    private readonly IReadOnlyList<InputFile> _files;
    private readonly string _folder;
    private readonly List<byte[]> _bytes = [];
    private readonly List<string?> _charsets = [];
    private readonly List<TextView> _views = [];
    private readonly MinHash _minHash = new(new MinHashSettings());
    private int _builds;

    public CrawlSample(IReadOnlyList<InputFile> files, long mostBytes, string folder, CancellationToken stop)
    {
        (_files, _folder) = (files, folder);
        foreach (var file in files)
        foreach (var record in SourceReaders.Read(file, new ReadLimits(), new Funnel(), stop))
        {
            if (record.Html is not { } html)
                continue;
            if ((PageBytes += html.Length) > mostBytes)
                throw new UserErrorException(
                    $"the input has more than {mostBytes >> 20} MB of pages: a benchmark holds them in memory. Name fewer files."
                );
            _bytes.Add(html);
            _charsets.Add(record.Charset);
        }
        if (_bytes.Count == 0)
            throw new UserErrorException("the input has no web pages: name crawls (.warc.gz).");
        for (var i = 0; i < _bytes.Count; i++)
            Pages.Add(PageText.Decode(_bytes[i], _charsets[i]));
        foreach (var page in Pages)
            if (MainText.Extract(page)?.Text is { Length: > 0 } text) Texts.Add(text);
        TextBytes = Texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));
        foreach (var text in Texts) _views.Add(TextView.Of(text, "en"));
    }

    public List<string> Pages { get; } = [];

    public List<string> Texts { get; } = [];

    public long PageBytes { get; }

    public long TextBytes { get; }

    public void ReadRecords()
    {
        foreach (var file in _files)
            foreach (var _ in SourceReaders.Read(file, new ReadLimits(), new Funnel(), CancellationToken.None))
            {
            }
    }

    public void Uncompress()
    {
        var buffer = new byte[1 << 16];
        foreach (var file in _files)
        {
            using var content = Artifacts.Compression.StoredMembers.Open(file);
            do
                while (content.Read(buffer) > 0)
                {
                }
            while (content.Next());
        }
    }

    public void Decode()
    {
        for (var i = 0; i < _bytes.Count; i++) PageText.Decode(_bytes[i], _charsets[i]);
    }

    public void DecodePlainly()
    {
        foreach (var bytes in _bytes) Encoding.UTF8.GetString(bytes);
    }

    /// <param name="cut">Cut the texts into words as well.</param>
    public void Filter(IReadOnlyList<IFilter> filters, bool cut)
    {
        Span<double> values = stackalloc double[64];
        for (var i = 0; i < Texts.Count; i++)
        {
            var view = cut ? TextView.Of(Texts[i], "en") : _views[i];
            foreach (var filter in filters)
            {
                var edited = filter.Edit(view, "en");
                filter.Measure(edited, "en", values[..filter.Measures.Count]);
                if (ReferenceEquals(edited, view)) continue;
                if (cut) view.Dispose();
                if (cut) view = edited;
                else edited.Dispose();
            }
            if (cut) view.Dispose();
        }
    }

    public void Sign()
    {
        var (words, signature) = (new WordBuffer(), new DocumentSignature());
        foreach (var text in Texts)
        {
            words.Clear();
            NormalisedWords.Hash(text, words);
            _minHash.Signature(words.Hashes, signature);
        }
    }

    public void HashShingles()
    {
        Span<byte> hash = stackalloc byte[32];
        foreach (var text in Texts)
        {
            var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            for (var i = 0; i + 5 <= words.Length; i++) SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', words, i, 5)), hash);
        }
    }

    /// <summary>All stages on one thread, from the files to a corpus.</summary>
    public void Build(CancellationToken stop)
    {
        var output = Path.Combine(_folder, $"corpus-{_builds++}");
        CleanCorpus.Build(
            CleaningRecipes.Load(CleaningRecipes.Crawl, []),
            _files,
            null,
            new Funnel(),
            new CorpusRecipe(HeldOutFraction: 0),
            new CorpusWork(
                output,
                0,
                CleaningRun.Default with
                {
                    Threads = 1,
                },
                null,
                new Quiet(),
                stop
            )
        );
        Directory.Delete(output, recursive: true);
    }

    private sealed class Quiet : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
        }
    }
}
