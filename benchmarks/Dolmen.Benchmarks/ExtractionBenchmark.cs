using System.IO.Compression;
using System.Text;
using System.Text.Json;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Dolmen.Artifacts;
using Dolmen.Data.Sources;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Benchmarks;

/// <summary>Main text against what people marked: F1, precision and recall, beside all the visible text of the same pages.</summary>
internal sealed class ExtractionBenchmark : Benchmark
{
    private const string Rival = "all visible text";
    private const long MostPageBytes = 32 << 20;

    public override string Name => "extraction";

    public override string Description => "F1 of main text on the marked pages of --gold DIR";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        throw new UserErrorException(
            "bench extraction needs pages whose main text people marked: name a folder with --gold DIR, with a ground-truth.json beside "
                + "html/ (article-extraction-benchmark) or source.html beside expected.html (Readability's test pages)."
        );

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Paths.Count == 0) Run(progress, stop);
        if (inputs.Model is not null) throw new UserErrorException("--model is nothing to bench extraction: leave it out.");
        var found = false;
        foreach (var path in inputs.Paths)
        {
            if (!Directory.Exists(path)) throw new UserErrorException($"--gold {path} is not a folder: name one of marked pages.");
            foreach (var (name, pages) in new[] { ("article-extraction-benchmark", Articles(path)), ("readability", Readable(path)) })
            {
                var score = new Scores();
                foreach (var page in pages)
                {
                    stop.ThrowIfCancellationRequested();
                    progress.Report(new StageProgress("bench extraction", score.Pages, 0, "pages", name));
                    score.Add(page);
                }
                if (score.Pages == 0) continue;
                found = true;
                foreach (var row in score.Rows(name)) yield return row;
            }
        }
        if (!found)
            throw new UserErrorException(
                $"{string.Join(", ", inputs.Paths)} has no marked pages: neither a ground-truth.json beside html/ nor source.html beside "
                    + $"expected.html. Unpack archives first."
            );
    }

    private sealed record Page(string Html, string Url, string Expected);

    private static IEnumerable<Page> Articles(string folder)
    {
        foreach (var file in Directory.GetFiles(folder, "ground-truth.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var truth = Parse(file);
            foreach (var page in truth.RootElement.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                var html = Path.Combine(Path.GetDirectoryName(file)!, "html", page.Name + ".html");
                if (!File.Exists(html)) html += ".gz";
                // The half of the pages that is given is marked whole.
                if (!File.Exists(html) || !page.Value.TryGetProperty("articleBody", out var body))
                    continue;
                yield return new Page(
                    Text(html),
                    page.Value.TryGetProperty("url", out var url) ? url.GetString() ?? "" : "",
                    body.GetString() ?? ""
                );
            }
        }
    }

    private static IEnumerable<Page> Readable(string folder)
    {
        var parser = new HtmlParser();
        foreach (var file in Directory.GetFiles(folder, "expected.html", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var source = Path.Combine(Path.GetDirectoryName(file)!, "source.html");
            if (!File.Exists(source)) continue;
            using var expected = parser.ParseDocument(Text(file));
            yield return new Page(Text(source), "", Visible(expected));
        }
    }

    private static JsonDocument Parse(string file)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(file));
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{file} is not JSON ({error.Message}): restore it.", error);
        }
    }

    private static string Text(string file)
    {
        using var stored = File.OpenRead(file);
        using var bytes = new MemoryStream();
        using Stream content = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stored, CompressionMode.Decompress) : stored;
        var buffer = new byte[1 << 16];
        for (int read; (read = content.Read(buffer)) > 0; bytes.Write(buffer, 0, read))
            if (bytes.Length > MostPageBytes)
                throw new UserErrorException($"{file} has more than {MostPageBytes >> 20} MB: that is not a page. Leave it out.");
        return PageText.Decode(bytes.ToArray(), null);
    }

    /// <summary>All text that is shown, with a space where a block begins or ends.</summary>
    private static string Visible(IDocument document)
    {
        var text = new StringBuilder();
        for (var pending = new Stack<INode>([document.Body ?? (INode)document]); pending.TryPop(out var node);)
        {
            if (node is IText words)
                text.Append(words.Data);
            if (node is not IElement element)
                continue;
            if (element.LocalName is "script" or "style" or "noscript" or "template" or "head")
                continue;
            if (
                element.LocalName
                is not (
                    "a"
                    or "abbr"
                    or "b"
                    or "cite"
                    or "code"
                    or "em"
                    or "font"
                    or "i"
                    or "mark"
                    or "q"
                    or "s"
                    or "small"
                    or "span"
                    or "strong"
                    or "sub"
                    or "sup"
                    or "u"
                )
            )
            {
                text.Append(' ');
                if (element.NextSibling is not IText { Data: [' ' or '\n', ..] }) pending.Push(document.CreateTextNode(" "));
            }
            for (var child = element.LastChild; child is not null; child = child.PreviousSibling) pending.Push(child);
        }
        return text.ToString();
    }

    private sealed class Scores
    {
        private readonly HtmlParser _parser = new();
        private readonly ExtractionScore _runs = new(), _words = new(1), _allRuns = new(), _allWords = new(1);

        public int Pages { get; private set; }

        public void Add(Page page)
        {
            var text = MainText.Extract(page.Html, page.Url)?.Text ?? "";
            using var document = _parser.ParseDocument(page.Html);
            var all = Visible(document);
            Pages++;
            foreach (var score in new[] { _runs, _words }) score.Add(page.Expected, text);
            foreach (var score in new[] { _allRuns, _allWords }) score.Add(page.Expected, all);
        }

        public IEnumerable<BenchmarkRow> Rows(string name)
        {
            foreach (var (unit, ours, theirs) in new[] { ("runs of four words", _runs, _allRuns), ("words", _words, _allWords) })
            {
                yield return Row("F1", ours.F1, theirs.F1);
                yield return Row("precision", ours.Precision, theirs.Precision);
                yield return Row("recall", ours.Recall, theirs.Recall);

                BenchmarkRow Row(string figure, double value, double other) =>
                    new(
                        $"{name}, {Pages} pages: {figure} of {unit} ({Rival} {other:0.000})",
                        value,
                        figure,
                        Rival,
                        other > 0 ? value / other : 0,
                        1,
                        0
                    );
            }
        }
    }
}
