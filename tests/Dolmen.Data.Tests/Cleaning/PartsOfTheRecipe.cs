using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Filters;
using Dolmen.Data.Quality.Perplexity;
using Dolmen.Data.Reports;
using Dolmen.Data.Sources;

namespace Dolmen.Tests.Data.Cleaning;

public sealed class PartsOfTheRecipe : IDisposable
{
    private const string Korean = "도서관은 아침 아홉 시에 문을 열고 저녁 여섯 시에 닫으며 누구나 책을 빌릴 수 있습니다. 어린이 열람실은 이층에 있고 강당에서는 매주 음악회가 열립니다.";

    private readonly CorpusTrial _trial = new();

    public void Dispose() => _trial.Dispose();

    [Fact]
    public void The_share_of_other_languages_is_a_column_and_may_be_bounded()
    {
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(1), $"{CorpusBuilds.Prose(2)}\n{Korean}");

        Assert.Equal(2, _trial.Build("measured", ["a.jsonl"], "language.mixed={}").Kept);
        var shares = _trial.Numbers("measured/documents", "language_mixed_share");
        Assert.Equal(0, shares["a.jsonl-0"]);
        Assert.InRange(shares["a.jsonl-1"], 0.05, 0.4);
        var bounded = _trial.Build("bounded", ["a.jsonl"], "language.mixed.max=0.02");
        Assert.Equal((1, 1), (bounded.Kept, bounded.Dropped["language.mixed.max"]));
        Assert.Equal(1, _trial.Ask("measured", "language.mixed.max=0.02").Reasons["language.mixed.max"].Lost.Documents);
        Assert.Equal(2, _trial.Ask("bounded", "language.mixed.max=1").Kept.After.Documents);
        _trial.Build("without", ["a.jsonl"]);
        Assert.Contains(
            "were not looked for",
            Assert.Throws<UserErrorException>(() => _trial.Ask("without", "language.mixed={}")).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("{}", "", 0.0, null)]
    [InlineData("""{"language":null,"read":null,"filters":null}""", "", 0.0, null)]
    [InlineData("""{"language":{}}""", "", null, null)]
    [InlineData("{}", "language.keep=[\"en\"]", null, "en")]
    [InlineData("{}", "language.minScore=0.5", 0.5, null)]
    [InlineData("""{"language":{"keep":["en"]}}""", "language=null", 0.0, null)]
    [InlineData("""{"language":{"keep":["en"]},"filters":{"c4":{}}}""", "filters=null", null, "en")]
    public void A_part_that_is_left_out_or_null_drops_nothing(string text, string set, double? minScore, string? keep)
    {
        var recipe = CleaningRecipeFile.Load(text, "recipe", set.Length == 0 ? [] : [set]);
        Assert.Equal((minScore, keep), (recipe.Language.MinScore, recipe.Language.Keep is { } kept ? string.Join(' ', kept) : null));
        Assert.Equal((new FilterSettings(), new ReadLimits()), (recipe.Filters, recipe.Read));
        // A text of no language at all is in the corpus when no bound of a language is left.
        _trial.Rows("a.jsonl", "xq 7", "zw 8");
        Assert.Equal(minScore == 0 ? 2 : 0, _trial.Try("out", ["a.jsonl"], [], recipe: recipe)?.Kept);
    }

    [Fact]
    public void A_language_model_in_a_folder_gives_a_perplexity()
    {
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(1), CorpusBuilds.Prose(2));
        Directory.CreateDirectory(_trial.At("model"));
        string[] set = [$"perplexity.model={_trial.At("model")}", "perplexity.max=100"];
        var model = new Lengths(CorpusBuilds.Prose(1).Length);
        var report = _trial.Try(
            "out",
            ["a.jsonl"],
            set,
            loadModel: folder => folder == _trial.At("model") ? model : throw new InvalidOperationException(folder)
        )!;
        Assert.Equal((1, 1), (report.Kept, report.Dropped["perplexity.max"]));
        Assert.Equal([7.0, 700], _trial.Numbers("out/measurements", "perplexity").Values.Order());
        Assert.True(model.IsDisposed);
        Assert.Contains(
            "runs no language models",
            Assert.Throws<UserErrorException>(() => _trial.Try("none", ["a.jsonl"], set)).Message,
            StringComparison.Ordinal
        );
        Directory.Delete(_trial.At("model"));
        Assert.Equal(2, _trial.Ask("out", "perplexity.max=1000").Kept.After.Documents);
    }

    [Fact]
    public void An_ngram_model_may_only_score()
    {
        PerplexityTraining
            .Fit([.. Enumerable.Range(0, 40).Select(CorpusBuilds.Prose)], new PerplexitySettings(), 0, 40, default)
            .Save(_trial.At("ngrams.safetensors"));
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(3), CorpusBuilds.Prose(100));
        Assert.Equal(2, _trial.Build("out", ["a.jsonl"], $"perplexity.model={_trial.At("ngrams.safetensors")}").Kept);
        var perplexity = _trial.Numbers("out/documents", "perplexity");
        Assert.InRange(perplexity["a.jsonl-0"], 1, perplexity["a.jsonl-1"]);
    }

    [Fact]
    public void Lists_of_domains_addresses_and_words_come_from_the_recipe()
    {
        string List(string name, string text)
        {
            Directory.CreateDirectory(_trial.At("lists"));
            File.WriteAllText(_trial.At($"lists/{name}"), text);
            return _trial.At($"lists/{name}");
        }
        Directory.CreateDirectory(_trial.At("words"));
        File.WriteAllText(_trial.At("words/en"), "lantern\norchard\n");
        File.WriteAllText(_trial.At("words/ko.txt"), "도서관\n");
        string[] addresses =
        [
            "https://a.blocked.example/x",
            "https://fine.example/one",
            "https://fine.example/grue",
            "https://fine.example/mild/tame",
            "https://fine.example/mild",
            "https://fine.example/xxgruesome",
        ];
        File.WriteAllLines(
            _trial.At("a.jsonl"),
            addresses.Select(
                (url, i) =>
                    System.Text.Json.JsonSerializer.Serialize(
                        new
                        {
                            id = $"{i}",
                            url,
                            text = CorpusBuilds.Prose(i),
                        }
                    )
            )
        );
        string[] lists =
        [
            $"url.domains={List("d", "blocked.example")}",
            $"url.urls={List("u", "https://fine.example/one")}",
            $"url.bannedWords={List("b", "grue")}",
            $"url.softBannedWords={List("s", "mild\ntame")}",
            $"url.bannedSubwords={List("w", "gruesome")}",
        ];
        var report = _trial.Build("urls", ["a.jsonl"], lists);
        Assert.Equal(["url.bannedSubwords", "url.bannedWords", "url.domains", "url.minSoftBannedWords", "url.urls"], report.Dropped.Keys);
        Assert.Equal(1, report.Kept);
        var words = _trial.Build("words out", ["a.jsonl"], $"filters.badWords.lists={_trial.At("words")}", "filters.badWords.maxWords=4");
        Assert.True(words.Dropped["badWords.maxWords"] > 0);
        Assert.All(_trial.Numbers("words out/documents", "bad_words_words").Values, count => Assert.InRange(count, 0, 4));
        // Another ratio may be asked for without the lists, which another build needs.
        Directory.Delete(_trial.At("words"), recursive: true);
        Assert.True(_trial.Ask("words out", "filters.badWords.maxWords=100", "filters.badWords.maxRatio=0.9").Kept.Gained.Documents > 0);
        Assert.Contains(
            "filters.badWords.lists",
            Assert
                .Throws<UserErrorException>(() => _trial.Build("again", ["a.jsonl"], $"filters.badWords.lists={_trial.At("words")}"))
                .Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "url.domains",
            Assert.Throws<UserErrorException>(() => _trial.Build("again", ["a.jsonl"], "url.domains=nowhere.txt")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Models_and_items_may_have_moved_when_a_corpus_is_asked_about()
    {
        PerplexityTraining.Fit([CorpusBuilds.Prose(3)], new PerplexitySettings(), 0, 1, default).Save(_trial.At("ngrams.safetensors"));
        File.WriteAllText(
            _trial.At("items.jsonl"),
            """{"question":"What does the old harbour keep lit through every single winter night of the year?"}"""
        );
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(3), "Too short.");
        _trial.Build(
            "out",
            ["a.jsonl"],
            $"perplexity.model={_trial.At("ngrams.safetensors")}",
            $"decontaminate={{\"items\":[{System.Text.Json.JsonSerializer.Serialize(_trial.At("items.jsonl"))}]}}"
        );
        File.Delete(_trial.At("ngrams.safetensors"));
        File.Delete(_trial.At("items.jsonl"));
        Assert.Equal(1, _trial.Ask("out").Kept.After.Documents);
        Assert.Equal(0, _trial.Ask("out", "perplexity.max=0").Kept.After.Documents);
        Assert.Single(CorpusInspection.Find(_trial.At("out"), new InspectQuery(Kept: true, Full: true), CancellationToken.None));
        Assert.EndsWith("report.html", CorpusReportPage.Write(_trial.At("out")), StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_of_documents_that_are_not_there_are_refused()
    {
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(3), CorpusBuilds.Prose(3), CorpusBuilds.Prose(4));
        _trial.Build("out", ["a.jsonl"]);
        foreach (var (file, size) in new[] { ("near.pairs", 24), ("exact.pairs", 16) })
        {
            var path = Path.Combine(_trial.At("out"), "duplicates", file);
            var whole = File.ReadAllBytes(path);
            foreach (var (first, second) in new[] { (0L, 3L), (3L, 0L), (-1L, 0L), (long.MaxValue, 1L) })
            {
                File.WriteAllBytes(path, [.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second), .. new byte[size - 16]]);
                Assert.Contains(file, Assert.Throws<UserErrorException>(() => _trial.Ask("out")).Message, StringComparison.Ordinal);
            }
            File.WriteAllBytes(path, [.. whole, 1, 2, 3]);
            Assert.Contains(
                "duplicates cannot be told",
                Assert.Throws<UserErrorException>(() => _trial.Ask("out")).Message,
                StringComparison.Ordinal
            );
            File.WriteAllBytes(path, whole);
        }
    }

    [Theory]
    [InlineData("a.jsonl", "{\"text\":\"not this\",\"content\":\"@\"}")]
    [InlineData("a.csv", "id,content,text\n1,\"@\",not this")]
    public void Documents_may_stand_in_another_field(string name, string rows)
    {
        var text = CorpusBuilds.Prose(2).Replace("\n", " ", StringComparison.Ordinal);
        File.WriteAllText(_trial.At(name), rows.Replace("@", text, StringComparison.Ordinal) + "\n");
        Assert.Equal(1, _trial.Build("out", [name], "read.textField=content").Kept);
        Assert.Equal(text, Assert.Single(_trial.Texts("out/documents").Values));
        // Without a recipe too, whether the files are read as entries or as documents.
        using var corpus = new CorpusFixture()
            .File(name, rows.Replace("@", text, StringComparison.Ordinal) + "\n")
            .File("b.md", CorpusBuilds.Prose(1));
        corpus.Build(new CorpusRecipe(HeldOutFraction: 0, TextField: "content"));
        Assert.Contains(text[..60], corpus.Documents(), StringComparison.Ordinal);
        Assert.DoesNotContain("not this", corpus.Documents(), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_out_of_their_range_are_all_named()
    {
        var error = Assert
            .Throws<UserErrorException>(() =>
                CleaningRecipes.Load(
                    CleaningRecipes.Crawl,
                    [
                        "language.mixed.max=2",
                        "read.textField=",
                        "dedup.lines.minChars=0",
                        "dedup.paragraphs.minDocuments=1",
                        "dedup.exactSubstrings.minWords=9",
                        "dedup.minCharsLeft=-1",
                        "dedup.maxCutFraction=1.5",
                    ]
                )
            )
            .Message;
        foreach (
            var key in new[]
            {
                "language.mixed.max is 2",
                "read.textField",
                "dedup.lines.minChars is 0",
                "dedup.paragraphs.minDocuments is 1",
                "minWords is 9",
                "minCharsLeft is -1",
                "maxCutFraction is 1.5",
            }
        )
            Assert.Contains(key, error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_recipe_has_commented_out_may_be_taken_in()
    {
        var text = System.Text.RegularExpressions.Regex.Replace(
            CleaningRecipes.Find(CleaningRecipes.Crawl)!,
            "^(  |    )// \"",
            "$1\"",
            System.Text.RegularExpressions.RegexOptions.Multiline,
            TimeSpan.FromSeconds(1)
        );
        var recipe = CleaningRecipeFile.Load(text, "recipe", []);
        Assert.NotNull(recipe.Filters.BadWords);
        Assert.NotNull(recipe.Filters.C4Paragraph);
        Assert.NotNull(recipe.Quality);
        Assert.NotNull(recipe.Perplexity);
        Assert.NotNull(recipe.Decontaminate);
        Assert.Equal(
            (2, 2, 50, "index"),
            (
                recipe.Dedup!.Lines!.MinDocuments,
                recipe.Dedup.Paragraphs!.MinDocuments,
                recipe.Dedup.ExactSubstrings!.MinWords,
                recipe.Dedup.Index
            )
        );
    }

    private sealed class Lengths(int known) : IPerplexity, IDisposable
    {
        public bool IsDisposed { get; private set; }

        public double Of(ReadOnlySpan<char> text) => text.Length == known ? 7 : 700;

        public void Dispose() => IsDisposed = true;
    }
}
