using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;

namespace Dolmen.Tests.Data.Cleaning;

public sealed class CrawlsInAnIndex : IDisposable
{
    private static readonly string[] Named = ["request.json", "recipe.resolved.jsonc"];

    private readonly CorpusTrial _trial = new();

    public CrawlsInAnIndex()
    {
        _trial.Rows("first.jsonl", [.. Enumerable.Range(0, 6).Select(CorpusBuilds.Prose), "Too short to keep."]);
        // Two copies, a near copy, one of what the first crawl had but did not keep, and three that are new, two of them near copies.
        _trial.Rows(
            "second.jsonl",
            CorpusBuilds.Prose(1),
            CorpusBuilds.Prose(2),
            Near(3),
            "Too short to keep.",
            CorpusBuilds.Prose(10),
            CorpusBuilds.Prose(11),
            Near(11)
        );
        _trial.Rows("third.jsonl", CorpusBuilds.Prose(0), Near(10), CorpusBuilds.Prose(20));
    }

    public void Dispose() => _trial.Dispose();

    private static string Near(int seed) =>
        CorpusBuilds.Prose(seed).Replace("river", "stream", StringComparison.Ordinal).Replace("harbor", "haven", StringComparison.Ordinal);

    private string Index(string name = "index") => $"dedup.index={_trial.At(name)}";

    [Fact]
    public void What_an_earlier_crawl_has_is_dropped_and_named_so()
    {
        Assert.Equal(6, _trial.Build("one", ["first.jsonl"], Index()).Kept);
        var second = _trial.Build("two", ["second.jsonl"], Index());
        Assert.Equal(
            (2, 3, 1, 1),
            (second.Kept, second.Dropped["dedup.index"], second.Dropped["dedup.minHash"], second.Dropped["gopherQuality.minWords"])
        );
        Assert.Equal(
            ["second.jsonl-0", "second.jsonl-1", "second.jsonl-2"],
            _trial.Texts("two/exclusions", "reason").Where(r => r.Value == "dedup.index").Select(r => r.Key).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            (1, 2),
            (_trial.Build("three", ["third.jsonl"], Index()).Kept, _trial.Build("three", ["third.jsonl"], Index()).Dropped["dedup.index"])
        );
        Assert.Equal(3, _trial.Build("without", ["third.jsonl"]).Kept);
    }

    [Fact]
    public void Building_a_crawl_again_gives_the_same_whatever_was_added_since()
    {
        foreach (var (output, input) in new[] { ("one", "first.jsonl"), ("two", "second.jsonl"), ("three", "third.jsonl") })
            _trial.Build(output, [input], Index());
        var index = _trial.Hashes("index");
        foreach (var (output, input) in new[] { ("two", "second.jsonl"), ("three", "third.jsonl"), ("one", "first.jsonl") })
        {
            var before = _trial.Hashes(output);
            _trial.Build(output, [input], Index());
            _trial.Build($"{output} again", [input], Index());
            Assert.Equal(before, _trial.Hashes(output));
            Assert.Equal(before, _trial.Hashes($"{output} again"));
        }
        Assert.Equal(index, _trial.Hashes("index"));
    }

    [Fact]
    public void Threads_interruption_and_ranks_change_neither_the_corpus_nor_the_index()
    {
        string[] second = ["second.jsonl", "big.jsonl"];
        _trial.Rows(
            "big.jsonl",
            [
                .. Enumerable.Range(0, 4).Select(i => CorpusBuilds.Prose(i * 4)),
                .. Enumerable.Range(0, 11).Select(_ => new string('x', 100_000)),
            ]
        );
        foreach (var (name, threads) in new[] { ("one", 1), ("two", 2), ("killed", 2), ("ranks", 2) })
        {
            Assert.NotNull(_trial.Try($"{name} first", ["first.jsonl"], [Index($"{name} index")], threads));
            if (name == "killed")
            {
                var index = _trial.Hashes("killed index");
                using var stop = new CancellationTokenSource();
                Assert.ThrowsAny<OperationCanceledException>(() =>
                    _trial.Try(name, second, [Index("killed index")], progress: new CorpusTrial.StopAt(stop, "write"), stop: stop.Token)
                );
                Assert.Equal(index, _trial.Hashes("killed index"));
            }
            if (name == "ranks") Assert.Null(_trial.Try(name, second, [Index("ranks index")], rank: new ShardRank(0, 2)));
            Assert.NotNull(_trial.Try(name, name == "two" ? [second[1], second[0]] : second, [Index($"{name} index")], threads));
        }
        Assert.All(["two", "killed", "ranks"], other =>
        {
            Assert.Equal(_trial.Hashes("one", Named), _trial.Hashes(other, Named));
            Assert.Equal(Contents("one index"), Contents($"{other} index"));
        });

        // The requests name the folder of the index, and signatures are filed under them.
        IEnumerable<string> Contents(string name) =>
            _trial
                .Hashes(name)
                .Where(f => !f.Key.EndsWith("crawls.json", StringComparison.Ordinal))
                .Select(f => $"{Path.GetFileName(f.Key)} {f.Value}")
                .Order(StringComparer.Ordinal);
    }

    [Fact]
    public void What_if_knows_the_earlier_crawls_without_their_index()
    {
        _trial.Build("one", ["first.jsonl"], Index());
        _trial.Build("two", ["second.jsonl"], Index());
        Directory.Move(_trial.At("index"), _trial.At("moved"));
        Assert.Equal(_trial.Ask("two").Kept.Before, _trial.Ask("two").Kept.After);
        foreach (var set in new[] { "filters.gopherQuality.minWords=3", "dedup.minHash.minJaccard=0.999" })
        {
            var asked = _trial.Ask("two", "filters.c4.minSentences=1", "filters.fineWebQuality=null", set);
            var rebuilt = _trial.Build(
                $"with {set}",
                ["second.jsonl"],
                "filters.c4.minSentences=1",
                "filters.fineWebQuality=null",
                set,
                Index("moved")
            );
            Assert.Equal((rebuilt.Kept, rebuilt.KeptBytes), (asked.Kept.After.Documents, asked.Kept.After.Bytes));
            Assert.Equal(rebuilt.Dropped.GetValueOrDefault("dedup.index"), asked.Reasons["dedup.index"].After.Documents);
            Assert.NotEqual(asked.Kept.Before, asked.Kept.After);
        }
        Assert.Equal(6, _trial.Ask("two", "dedup=null").Kept.After.Documents);
        File.AppendAllText(Path.Combine(_trial.At("two"), "duplicates", "earlier"), "x");
        Assert.Contains(
            "duplicates cannot be told",
            Assert.Throws<UserErrorException>(() => _trial.Ask("two")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_last_crawl_may_be_built_by_another_recipe_and_earlier_ones_may_not()
    {
        _trial.Build("one", ["first.jsonl"], Index());
        _trial.Build("strict", ["second.jsonl"], Index(), "filters.gopherQuality.minWords=1000");
        Assert.Equal(0, _trial.Build("nothing", ["second.jsonl"], Index(), "filters.gopherQuality.minWords=1000").Kept);
        Assert.Equal(2, _trial.Build("two", ["second.jsonl"], Index()).Kept);
        Assert.Equal(1, _trial.Build("three", ["third.jsonl"], Index()).Kept);
        var error = Assert.Throws<UserErrorException>(() =>
            _trial.Build("other", ["second.jsonl"], Index(), "filters.gopherQuality.minWords=40")
        );
        Assert.Contains("crawls added after it", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetDirectories(_trial.At("index/signatures")).Length);
        Assert.Single(Directory.GetDirectories(_trial.At("index"), "generation-*"));
    }

    [Fact]
    public void An_index_that_is_in_use_damaged_or_of_another_shape_is_refused()
    {
        _trial.Build("one", ["first.jsonl"], Index());
        Assert.Contains("another MinHash shape", Refused("dedup.minHash.buckets=9"), StringComparison.Ordinal);
        using (new FileStream(_trial.At("index/lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("in use", Refused(), StringComparison.Ordinal);
        var generation = Assert.Single(Directory.GetDirectories(_trial.At("index"), "generation-*"));
        File.WriteAllBytes(
            Path.Combine(generation, "near.pairs"),
            [.. BitConverter.GetBytes(0L), .. BitConverter.GetBytes(1L << 40), .. BitConverter.GetBytes(1.0)]
        );
        Assert.Contains("near.pairs pairs document 0 with 1099511627776", Refused(), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(generation, "kept"), [1]);
        Assert.Contains("not of one number", Refused(), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(generation, "crawls.json"), """[{"inputs":"x","request":"../../..","files":1,"documents":1}]""");
        Assert.Contains("not an index of crawls", Refused(), StringComparison.Ordinal);
        File.WriteAllText(_trial.At("index/current"), "7");
        Assert.Contains("names no generation", Refused(), StringComparison.Ordinal);

        string Refused(params string[] set) =>
            Assert.Throws<UserErrorException>(() => _trial.Build($"refused {set.Length}", ["second.jsonl"], [Index(), .. set])).Message;
    }
}
