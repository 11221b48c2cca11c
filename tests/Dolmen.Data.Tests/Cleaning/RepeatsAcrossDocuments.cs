using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;

namespace Dolmen.Tests.Data.Cleaning;

public sealed class RepeatsAcrossDocuments : IDisposable
{
    private const string Menu = "The whole catalogue, the shops and the terms of delivery are listed here.";
    private const string Lines = "dedup.lines={}", Paragraphs = "dedup.paragraphs={}", Passages = "dedup.exactSubstrings={}";

    private readonly CorpusTrial _trial = new();

    public void Dispose() => _trial.Dispose();

    [Fact]
    public void A_line_of_several_documents_stays_in_one_and_is_counted_where_it_was_cut()
    {
        string[] texts = [.. Enumerable.Range(0, 3).Select(i => $"{Menu}\n{CorpusBuilds.Prose(i)}")];
        _trial.Rows("a.jsonl", texts);
        Assert.Null(_trial.Build("off", ["a.jsonl"]).Cut);
        var report = _trial.Build("on", ["a.jsonl"], Lines);
        Assert.Equal(3, report.Kept);
        Assert.Equal((2, 2), (report.Cut!["lines"], report.Cut["documents"]));
        var kept = _trial.Texts("on/documents");
        var with = Assert.Single(kept, text => text.Value.Contains(Menu, StringComparison.Ordinal)).Key;
        Assert.All(
            kept,
            text => Assert.Equal(text.Key == with ? texts[text.Key[^1] - '0'] : texts[text.Key[^1] - '0'][(Menu.Length + 1)..], text.Value)
        );
        Assert.All(_trial.Numbers("on/documents", "cut_lines"), lines => Assert.Equal(lines.Key == with ? 0 : 1, lines.Value));
        Assert.All(_trial.Numbers("on/measurements", "cut_chars_left"), left => Assert.Equal(left.Key == with, double.IsNaN(left.Value)));
        Assert.All(
            _trial.Texts("on/documents", "text_before"),
            before => Assert.Equal(before.Key == with ? "" : texts[before.Key[^1] - '0'], before.Value)
        );
    }

    [Theory]
    [InlineData(2, 4)]
    [InlineData(5, 4)]
    [InlineData(6, 0)]
    public void In_too_few_documents_a_line_is_no_repetition(int minDocuments, int cut)
    {
        _trial.Rows("a.jsonl", [.. Enumerable.Range(0, 5).Select(i => $"{Menu}\n{CorpusBuilds.Prose(i)}")]);
        Assert.Equal(cut, _trial.Build("out", ["a.jsonl"], $"dedup.lines.minDocuments={minDocuments}").Cut!["lines"]);
    }

    [Fact]
    public void Code_between_fences_and_what_a_document_repeats_within_itself_are_left_alone()
    {
        const string code =
            "using System.Collections.Generic;    // a line of code\n\nusing System.Collections.Generic;    // a line of code";
        _trial.Rows(
            "a.jsonl",
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(i =>
                        $"{CorpusBuilds.Prose(i)}\n\n```\n{code}\n```\n\nThe end of text number {i}, the very end of it.\n\nThe end of "
                            + $"text number {i}, the very end of it."
                    ),
            ]
        );
        var report = _trial.Build("out", ["a.jsonl"], Lines, Paragraphs);
        Assert.Equal((0, 0), (report.Cut!["lines"], report.Cut["paragraphs"]));
    }

    [Fact]
    public void A_paragraph_and_a_passage_of_another_document_are_cut()
    {
        var paragraphs = CorpusBuilds.Prose(1).Split('\n').Select(p => p.Trim()).ToArray();
        var passage = string.Join(' ', CorpusBuilds.Prose(2).Split(' ').Take(70));
        _trial.Rows(
            "a.jsonl",
            string.Join("\n\n", paragraphs),
            $"{CorpusBuilds.Prose(3)}\n\n{paragraphs[1]}\n\nThe last words of it.",
            $"{CorpusBuilds.Prose(2)}",
            $"{CorpusBuilds.Prose(4)} So {passage} they said."
        );
        var byParagraph = _trial.Build("paragraphs", ["a.jsonl"], Paragraphs);
        Assert.Equal((4, 1), (byParagraph.Kept, byParagraph.Cut!["paragraphs"]));
        Assert.Single(_trial.Texts("paragraphs/documents").Values, text => text.Contains(paragraphs[1], StringComparison.Ordinal));
        var byPassage = _trial.Build("passages", ["a.jsonl"], Passages);
        Assert.Equal(2, byPassage.Cut!["passages"]);                                // the paragraph has more than fifty words
        Assert.Single(_trial.Texts("passages/documents").Values, text => text.Contains(passage, StringComparison.Ordinal));
        Assert.Equal(0, _trial.Build("long", ["a.jsonl"], "dedup.exactSubstrings.minWords=130").Cut!["passages"]);
    }

    [Fact]
    public void A_document_of_which_too_little_is_left_says_so()
    {
        _trial.Rows(
            "a.jsonl",
            $"{Menu}\n{CorpusBuilds.Prose(1)}",
            $"{Menu}\n{CorpusBuilds.Prose(2)[..199]}",
            $"{Menu}\n{CorpusBuilds.Prose(3)[..199]}.",
            Menu
        );
        _trial.Build("out", ["a.jsonl"], Lines);
        var (reasons, values) = (_trial.Texts("out/measurements", "reason"), _trial.Numbers("out/measurements", "value"));
        var lines = _trial.Numbers("out/measurements", "cut_lines");
        Assert.Equal(3, lines.Values.Sum());
        Assert.All(lines, cut =>
        {
            var dropped = cut.Value > 0 && cut.Key is "a.jsonl-1" or "a.jsonl-3";
            Assert.Equal(dropped, reasons[cut.Key] == "dedup.minCharsLeft");
            if (dropped) Assert.Equal(cut.Key == "a.jsonl-3" ? 0 : 199, values[cut.Key]);
        });
        Assert.Contains("dedup.minCharsLeft", reasons.Values);
    }

    [Fact]
    public void Copies_and_near_copies_are_dropped_as_such_and_not_emptied()
    {
        var near = CorpusBuilds.Prose(7).Replace("river", "stream", StringComparison.Ordinal);
        _trial.Rows("a.jsonl", CorpusBuilds.Prose(7), CorpusBuilds.Prose(8), CorpusBuilds.Prose(7), near);
        var report = _trial.Build("out", ["a.jsonl"], Lines, Paragraphs, Passages);
        Assert.Equal((2, 1, 1), (report.Kept, report.Dropped["dedup.exact"], report.Dropped["dedup.minHash"]));
        Assert.All(report.Cut!.Values, count => Assert.Equal(0, count));
        Assert.Equal([1.0, 3], _trial.Numbers("out/documents", "cluster_size").Values.Order());
    }

    [Fact]
    public void Threads_order_of_inputs_interruption_and_ranks_change_no_byte()
    {
        string[] names = ["0.jsonl", "1.jsonl", "2.jsonl"];
        for (var file = 0; file < 3; file++)
            _trial.Rows(
                names[file],
                [
                    .. Enumerable
                        .Range(0, 8)
                        .Select(i => $"{Menu} {i % 3}\n{CorpusBuilds.Prose(i % 5)}\n\n{CorpusBuilds.Prose((file * 50) + i)}"),
                    .. Enumerable.Range(0, 6).Select(_ => new string('x', 100_000)),
                ]
            );
        string[] set = [Lines, Paragraphs, Passages];
        var alone = _trial.Try("one", names, set, threads: 1)!;
        Assert.Equal(3, alone.Shards);
        Assert.True(alone.Cut!.Values.All(count => count > 0));
        _trial.Try("two", [names[2], names[0], names[1]], set);
        foreach (var (stage, detail) in new[] { ("corpus", "shard 2/3"), ("repeats", ""), ("corpus", "shard 1/3 measured"), ("write", "") })
        {
            using var stop = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() =>
                _trial.Try("killed", names, set, progress: new CorpusTrial.StopAt(stop, stage, detail), stop: stop.Token)
            );
        }
        _trial.Try("killed", names, set);
        Assert.Null(_trial.Try("ranks", names, set, rank: new ShardRank(0, 2)));
        Assert.Null(_trial.Try("ranks", names, set, rank: new ShardRank(1, 2)));
        Assert.NotNull(_trial.Try("ranks", names, set));
        var expected = _trial.Hashes("one");
        Assert.All(["two", "killed", "ranks"], other => Assert.Equal(expected, _trial.Hashes(other)));
    }

    [Fact]
    public void What_other_thresholds_would_keep_is_what_a_build_with_them_keeps()
    {
        _trial.Rows(
            "a.jsonl",
            [
                .. Enumerable
                    .Range(0, 30)
                    .Select(i => $"{Menu} {i % 3}\n{string.Join(' ', CorpusBuilds.Prose(i).Split(' ').Take(30 + (i * 4)))}."),
            ]
        );
        string[] set = [Lines, Passages];
        var built = _trial.Build("out", ["a.jsonl"], set);
        Assert.Equal(built.Kept, _trial.Ask("out").Kept.After.Documents);
        foreach (var other in new[] { "dedup.minCharsLeft=700", "dedup.maxCutFraction=0.1", "filters.gopherQuality.minWords=120" })
        {
            var rebuilt = _trial.Build($"with {other}", ["a.jsonl"], [.. set, other]);
            var asked = _trial.Ask("out", other);
            Assert.NotEqual(built.Kept, rebuilt.Kept);
            Assert.Equal((rebuilt.Kept, rebuilt.KeptBytes), (asked.Kept.After.Documents, asked.Kept.After.Bytes));
        }
        foreach (var refused in new[] { "dedup.lines=null", "dedup.lines.minChars=50", "dedup.paragraphs={}", "dedup=null" })
            Assert.Contains(
                "cut from the texts",
                Assert.Throws<UserErrorException>(() => _trial.Ask("out", refused)).Message,
                StringComparison.Ordinal
            );
    }
}
