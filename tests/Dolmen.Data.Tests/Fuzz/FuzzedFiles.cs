using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Languages;
using Dolmen.Data.Mixing;
using Dolmen.Data.Quality;
using Dolmen.Data.Sources;
using Dolmen.Tests.Data.Sources;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Tables;
using Dolmen.Tests.Web.Warc;
using Dolmen.Web.Crawling;
using Dolmen.Web.Encodings;
using Dolmen.Web.Warc;

namespace Dolmen.Tests.Data.Fuzz;

/// <summary>Damage of every kind to files of every kind: reading ends, and what cannot be read is counted or said in a sentence.</summary>
public class FuzzedFiles
{
    private static readonly WebAddress Site = WebAddress.Parse("https://stones.example/sitemap.xml")!;

    [Fact]
    public void Warc()
    {
        var limits = new ReadLimits(MaxRecordBytes: 1 << 16);
        var files = Fuzzing.StartFrom(MutatedWarc.Files, ".warc", ".warc.gz", ".wet.gz", ".warc.zst", ".arc.gz");
        Fuzzing.Run("warc", 300, random =>
        {
            var (records, _) = WarcFile.Read(Damage.Of(files, random), limits: limits);
            Assert.All(records, r => Assert.True(r.Text is not null || r.Html is { Length: <= 1 << 16 }));
            foreach (var record in records) _ = record.Text ?? PageText.Decode(record.Html!, record.Charset);
        });
    }

    [Fact]
    public void Json_lines()
    {
        var files = Fuzzing.StartFrom([Encoding.UTF8.GetBytes(Rows.Json)], ".jsonl");
        Fuzzing.Run("jsonl", 300, random => CountedOrRefused(Damage.Of(files, random), "rows.jsonl"));
    }

    [Fact]
    public void Separated_values()
    {
        var files = Fuzzing.StartFrom(["id,text\n1,\"One, \"\"old\"\" stone.\"\n2,Two\n3,\"Three\nlines\"\n"u8.ToArray()], ".csv", ".tsv");
        Fuzzing.Run("csv", 300, random => CountedOrRefused(Damage.Of(files, random), random.Next(2) == 0 ? "rows.csv" : "rows.tsv"));
    }

    [Fact]
    public async Task Parquet()
    {
        var files = Fuzzing.StartFrom(await ParquetFile.All(), ".parquet");
        Fuzzing.Run("parquet", 400, random =>
        {
            var bytes = ParquetFile.Damaged(files, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            CountedOrRefused(bytes, "rows.parquet");
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < (256 << 20) + (bytes.Length * 100L));
        });
    }

    [Fact]
    public void Fast_text_models()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "model.bin");
        byte[][] files =
        [
            .. Directory
                .GetFiles(Path.Combine(AppContext.BaseDirectory, "Languages", "Goldens"), "fasttext-*")
                .Where(f => f.EndsWith(".bin", StringComparison.Ordinal) || f.EndsWith(".ftz", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(File.ReadAllBytes),
        ];
        Fuzzing.Run(
            "fasttext",
            60,
            random =>
            {
                File.WriteAllBytes(path, Damage.Of(files, random));
                Refused(() =>
                {
                    var model = FastTextModel.Load(path);
                    var best = new LabelScore[3];
                    model.Predict("All human beings are born free and equal. \uD800 Alle Menschen", best);
                    new FastTextIdentifier(model).Identify("모든 인간은 태어날 때부터 자유로우며");
                });
            }
        );
    }

    [Fact]
    public void Quality_models()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "model.safetensors");
        new QualityModel(
            new float[1 << 10],
            new QualityModelCard(QualityModelCard.ThisKind, QualityModelCard.ThisVersion, 10, 1000, 0, 1, 0, null)
        ).Save(path);
        byte[][] files = [File.ReadAllBytes(path)];
        Fuzzing.Run("quality", 200, random =>
        {
            File.WriteAllBytes(path, Damage.Of(files, random));
            Refused(() => QualityModel.Load(path).Score("A stone stands on a hill.", "en"));
        });
    }

    [Fact]
    public void Robots()
    {
        byte[][] files = Fuzzing.StartFrom(
            [
                ("User-agent: *\nDisallow: /a*b*c$\nAllow: /%7Eok/\nCrawl-delay: 1.5\n\nuser-agent: dolmen-bot\nuser-agent: other\n"u8
                    + "Disallow: /*?q=%E4%B8\n#no\nSitemap: https://stones.example/s.xml\n"u8).ToArray(),
            ],
            "robots.txt"
        );
        Fuzzing.Run(
            "robots",
            300,
            random =>
            {
                var rules = RobotsRules.Parse(Damage.Of(files, random), "dolmen-bot");
                foreach (var path in (string[])["/", "/a/b/c", "/%7eok/x", "/x?q=中", "/%", "/%E4%B", "/" + new string('a', 2000)])
                    rules.Allows(path);
                Assert.InRange(rules.CrawlDelaySeconds, 0, 3600);
            }
        );
    }

    [Fact]
    public void Sitemaps()
    {
        var xml =
            ("<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"><url>"u8
                + "<loc>https://stones.example/a?b=1&amp;c=2</loc><lastmod>2024-01-02</lastmod></url><url><loc><![CDATA[/b]]></loc>"u8
                + "</url></urlset>"u8).ToArray();
        var index = "<sitemapindex><sitemap><loc>https://stones.example/s1.xml.gz</loc></sitemap></sitemapindex>"u8.ToArray();
        byte[][] files = [xml, index, WarcFile.Gzip(xml), "https://stones.example/a\nhttps://stones.example/b\n"u8.ToArray()];
        Fuzzing.Run("sitemap", 300, random =>
        {
            var map = Sitemap.Read(Damage.Of(files, random), Site);
            Assert.All(map.Pages.Concat(map.Sitemaps), page => Assert.Equal(page.Text, WebAddress.Parse(page.Text)!.Text));
        });
    }

    [Fact]
    public void Cdxj()
    {
        using var folder = new TemporaryFolder();
        var lines = Enumerable
            .Range(0, 20)
            .Select(i =>
                CdxjIndex.Line(
                    $"https://stones.example/{i}",
                    DateTimeOffset.UnixEpoch.AddDays(i),
                    "text/html",
                    200,
                    "sha1:X",
                    100,
                    "a.warc.gz",
                    i * 100
                )
            )
            .ToList();
        byte[][] files = [Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n")];
        var path = Path.Combine(folder.Path, CdxjIndex.FileName);
        Fuzzing.Run("cdxj", 200, random =>
        {
            var old = Damage.Of(files, random);
            File.WriteAllBytes(path, old);
            CdxjIndex.Merge(folder.Path, [.. lines]);
            var merged = File.ReadAllLines(path).ToHashSet(StringComparer.Ordinal);
            Assert.Subset(merged, lines.ToHashSet(StringComparer.Ordinal));
            // What is not a line of an index may go, what is may not.
            using var reader = new StreamReader(new MemoryStream(old));
            var kept = new HashSet<string>(StringComparer.Ordinal);
            while (reader.ReadLine() is { } line) if (line.Length > 0) kept.Add(line);
            Assert.Subset(merged, kept);
        });
    }

    [Fact]
    public void Recipes()
    {
        byte[][] files =
        [
            ("{ // comment\n \"read\": {\"maxRecordBytes\": 1000000}, \"language\": {\"keep\": [\"en\"], \"minScore\": 0.5}, "u8
                + "\"filters\": {\"gopherQuality\": {\"minWords\": 50}, \"c4\": {}}, \"dedup\": {\"minHash\": {\"bands\": 14}}, "u8
                + "\"personalData\": {}, }"u8).ToArray(),
            "{\"alpha\": 0.3, \"sources\": {\"wiki\": 2}, \"edges\": [0.1, 0.5], \"rehydrate\": true}"u8.ToArray(),
        ];
        byte[][] sets =
        [
            .. (
                (string[])
                    [
                        "filters.gopherQuality.minWords=30",
                        "language.keep=[\"de\"]",
                        "read.maxRatio=1e3",
                        "url.builtIn=true",
                        "sources.wiki=2",
                        "filters.c4=null",
                        "dedup.minHash.bands=7",
                    ]
            ).Select(Encoding.UTF8.GetBytes),
        ];
        Fuzzing.Run(
            "recipes",
            400,
            random =>
            {
                var text = Encoding.UTF8.GetString(random.Next(3) == 0 ? files[random.Next(2)] : Damage.Of(files, random));
                string[] set = [.. Enumerable.Range(0, (int)random.Next(3)).Select(_ => Encoding.UTF8.GetString(Damage.Of(sets, random)))];
                Refused(() => CleaningRecipeFile.Load(text, "recipe.jsonc", set));
                Refused(() => MixRecipeFile.Load(null, set));
            }
        );
    }

    [Theory]
    [InlineData("{\"language\": {\"keep\": [\"\\ud800\"]}}", "half a surrogate pair")]
    [InlineData("{\"\\ud800\": null}", "half a surrogate pair")]
    [InlineData("{\"dedup\": null, \"dedup\": null}", "dedup")]
    public void Recipes_that_only_look_like_JSON_are_refused(string text, string why) =>
        Assert.Contains(
            why,
            Assert.Throws<UserErrorException>(() => CleaningRecipeFile.Load(text, "recipe.jsonc", [])).Message,
            StringComparison.Ordinal
        );

    private static void CountedOrRefused(byte[] bytes, string name) => Refused(() => WarcFile.Read(bytes, name));

    private static void Refused(Action read)
    {
        try
        {
            read();
        }
        catch (UserErrorException error)
        {
            // What the user must mend is said in a sentence.
            Assert.True(error.Message.Length > 20);
        }
    }
}
