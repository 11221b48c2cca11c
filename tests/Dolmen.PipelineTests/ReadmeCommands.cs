using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Dolmen.PipelineTests;

/// <summary>Every <c>./dolmen</c> line of the README is run: paths point into a folder of the test, minutes and sizes are cut
/// down.</summary>
[Collection(nameof(QuickstartFixture))]
public sealed partial class ReadmeCommands(QuickstartFixture quickstart)
{
    private static readonly string[] Tiny =
    [
        "--set", "minutes=0", "--set", "base.totalTokens=8192", "--set", "sft.totalTokens=8192", "--set", "dpo.totalPairs=32",
        "--set", "training.validations=1", "--set", "training.sampleTokens=4",
    ];

    private static readonly string[] Shallow = ["--set", "model.depth=1"];

    public static TheoryData<string> Commands =>
        [
            .. File.ReadLines(Path.Combine(CommandLine.Root, "README.md"))
                .Where(line => line.StartsWith("./dolmen ", StringComparison.Ordinal))
                .Select(WithoutComment),
        ];

    [Theory, MemberData(nameof(Commands))]
    public void Runs_as_written(string line)
    {
        var words = Words().Matches(line["./dolmen ".Length..]).Select(match => Placed(match.Value.Trim('"'))).ToList();
        switch (words[0])
        {
            case "serve":
                Serves([.. words, "--port", "0"]);
                return;
            case "bench":
                Assert.Contains("train", words);                        // minutes of measuring; its parts are tested elsewhere
                return;
            case "quickstart" when !words.Contains("--input"):
                Assert.True(File.Exists(Path.Combine(quickstart.Run, "report.html")));      // the fixture ran it
                return;
            case "quickstart" or "run":
                if (words.IndexOf("--minutes") is var at and >= 0) words.RemoveRange(at, 2);
                words.AddRange([.. Tiny, .. Shallow]);
                // The crawl is small, and its site's port decides which pages are held out: of a few in a hundred it may be none.
                words.AddRange(["--set", "corpus.heldOutFraction=0.3"]);
                break;
            case "model" when words[1] is "pretrain" && words[2].StartsWith("tiny/", StringComparison.Ordinal):
                words.AddRange(Tiny);                                   // their sizes are their own
                break;
            case "corpus":
                WriteCrawlAndCorpus();
                if (words.FindIndex(word => word.StartsWith("https://", StringComparison.Ordinal)) is var address and >= 0)
                    words[address] = Site.Value.Url;
                // What others read is made once and stays as it is.
                var to = words.IndexOf("--out") + 1;
                if (to > 0 && (words[to] == Placed("runs/crawled") || words[to] == Placed("runs/corpus"))) words[to] += "-again";
                break;
            case "align" or "model" when words[1] is "pretrain" or "sft" or "dpo":
                words.AddRange([.. Tiny, .. Shallow]);
                break;
        }
        WriteDocuments();
        WriteTranslations();
        if (words.Any(word => word.EndsWith("crawl.warc.gz", StringComparison.Ordinal))) WriteCrawlAndCorpus();
        var result = CommandLine.Run([.. words]);
        Assert.True(result.ExitCode == 0, $"{line}: exit {result.ExitCode}\n{result.Errors}");
        if (words.IndexOf("--out") + 1 is > 0 and var made)
        {
            var manifest = Directory.Exists(words[made]) ? Path.Combine(words[made], "manifest.json") : $"{words[made]}.manifest.json";
            Assert.True(File.Exists(manifest), $"{line}: nothing says how {words[made]} was made.");
        }
    }

    [Fact]
    public void There_are_commands_to_run() => Assert.True(Commands.Count > 8);

    private static string WithoutComment(string line) => line.Split(" #")[0].Trim();

    /// <summary>The README's folders become the test's.</summary>
    private string Placed(string word) =>
        word.StartsWith("runs/", StringComparison.Ordinal) || word.StartsWith("flores200_dataset", StringComparison.Ordinal)
        || word is "my-docs" or "mine.jsonc" or "crawl.warc.gz" ? Path.Combine(quickstart.Folder, word) : word;

    private static readonly Lazy<LoopbackSite> Site = new(() => new LoopbackSite());

    private void WriteCrawlAndCorpus()
    {
        string At(string name) => Path.Combine(quickstart.Folder, name);
        if (File.Exists(At("crawl.warc.gz")))
            return;
        foreach (
            var arguments in new[]
            {
                new[] { "crawl", Site.Value.Url, "--out", At("runs/crawled") },
                ["build", "--input", At("runs/crawled"), "--out", At("runs/corpus")],
            }
        )
        {
            var result = CommandLine.Run(["corpus", .. arguments]);
            Assert.True(result.ExitCode == 0, result.Errors);
        }
        File.Copy(At("runs/crawled/crawl-00000.warc.gz"), At("crawl.warc.gz"));
    }

    private void WriteDocuments()
    {
        var folder = Path.Combine(quickstart.Folder, "my-docs");
        Directory.CreateDirectory(folder);
        for (var i = 0; i < 60; i++)
        {
            var sections = Enumerable
                .Range(0, 6)
                .Select(j =>
                    $"## Valve {i}-{j}\n\nValve {i}-{j} lets {j + 2} litres a minute into tank {i}. Turn it "
                        + $"{(j % 2 == 0 ? "left" : "right")} to close it.\n"
                );
            File.WriteAllText(
                Path.Combine(folder, $"tank-{i:D2}.md"),
                $"# Tank {i}\n\nTank {i} holds water for house {i}.\n\n{string.Concat(sections)}"
            );
        }
    }

    /// <summary>In the layout of FLORES-200.</summary>
    private void WriteTranslations()
    {
        foreach (var part in new[] { "dev", "devtest" })
        {
            var folder = Path.Combine(quickstart.Folder, "flores200_dataset", part);
            Directory.CreateDirectory(folder);
            var numbers = Enumerable.Range(1, 40).ToList();
            File.WriteAllLines(
                Path.Combine(folder, $"eng_Latn.{part}"),
                numbers.Select(n => $"The mill by the river ground {n} sacks of barley that day.")
            );
            File.WriteAllLines(
                Path.Combine(folder, $"kor_Hang.{part}"),
                numbers.Select(n => $"그날 강가의 방앗간은 보리 {n}자루를 빻았다.")
            );
        }
    }

    private static void Serves(string[] words)
    {
        using var server = CommandLine.Start(words);
        try
        {
            string? url = null;
            while (url is null && server.StandardError.ReadLine() is { } said)
                url = Url().Match(said) is { Success: true } match ? match.Value : null;
            Assert.NotNull(url);
            using var client = new HttpClient { BaseAddress = new Uri(url) };
            using var answer = client
                .PostAsJsonAsync(
                    "/v1/chat/completions",
                    new
                    {
                        messages = new[] { new { role = "user", content = "What does `System.String.Trim()` do?" } },
                        max_tokens = 8,
                        temperature = 0,
                    }
                )
                .GetAwaiter()
                .GetResult();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var body = JsonDocument.Parse(answer.Content.ReadAsStringAsync().GetAwaiter().GetResult()).RootElement;
            Assert.Equal("chat.completion", body.GetProperty("object").GetString());
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    [GeneratedRegex("""[^\s"]+|"[^"]*" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Words();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Url();
}
