using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Training;

/// <summary>Every training stage counts what it reads, uses, cuts and leaves out, and says so on screen, in its outcome and beside the
/// model.</summary>
public sealed class TrainingDataTests : IDisposable
{
    private const string Good = """{"messages":[{"role":"user","content":"What is a list?"},{"role":"assistant","content":"A list."}]}""";

    private readonly TinyRun _run = new();
    private readonly List<string> _notices = [];

    public TrainingDataTests() => _run.Pretrain("base", 2);

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Conversations_without_an_answer_are_left_out_and_counted()
    {
        var outcome = Sft(
            "some",
            Good,
            """{"messages":[{"role":"user","content":"copper salt"}]}""",
            """{"messages":[{"role":"system","content":"Be brief."}]}""",
            """{"messages":[]}""",
            """{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":" "}]}""",
            Good
        );
        Assert.Equal((6, 2), (outcome.Data?.Read, outcome.Data?.Used));
        Assert.Equal(
            [
                ("no-assistant-turn", 2, "data.jsonl, line 2"),
                ("no-turns", 1, "data.jsonl, line 4"),
                ("answers-empty", 1, "data.jsonl, line 5"),
            ],
            outcome.Data?.Dropped.Select(reason => (reason.Reason, reason.Count, reason.First)) ?? []
        );
        Assert.True(outcome.Loss > 1, $"the loss is {outcome.Loss}");
        Assert.Contains(
            _notices,
            notice =>
                notice.StartsWith(
                    "sft: 6 conversations read, 2 used, 4 dropped (no-assistant-turn: 2, first data.jsonl, line 2;",
                    StringComparison.Ordinal
                )
        );
        using var beside = JsonDocument.Parse(File.ReadAllText(Path.Combine(_run.Root, "some", DataCounts.FileName)));
        Assert.Equal(2, beside.RootElement.GetProperty("used").GetInt64());
        Assert.Equal("no-assistant-turn", beside.RootElement.GetProperty("dropped")[0].GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"copper salt"}]}""", "no-assistant-turn: 1, first data.jsonl, line 1")]
    [InlineData("""{"messages":[]}""", "no-turns: 1")]
    [InlineData("""{"messages":[{"role":"system","content":"Be brief."}]}""", "no-assistant-turn: 1")]
    [InlineData("""{"prompt":"x","completion":""}""", "completion-empty: 1")]
    [InlineData("", "holds no conversations: it is empty")]
    public void Nothing_to_learn_is_an_error_and_no_model(string row, string message)
    {
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => Sft("none", row)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_run.Root, "none", "model")));
    }

    [Theory]
    [InlineData(LongRows.KeepEnd, 1, 1, 0)]
    [InlineData(LongRows.KeepStart, 1, 0, 1)]
    [InlineData(LongRows.Drop, 1, 0, 1)]
    public void Rows_longer_than_the_context_are_treated_as_chosen(LongRows choice, int whole, int cut, int dropped)
    {
        var longUser =
            $$"""{"messages":[{"role":"user","content":"{{string.Join(' ', Enumerable.Repeat("copper", 60))}}"},{"role":"assistant","content":"A list."}]}""";
        var outcome = Sft($"long-{choice}", TinyRun.Recipe with { LongRows = choice }, Good, longUser);
        Assert.Equal((2, whole + cut), (outcome.Data?.Read, outcome.Data?.Used));
        Assert.Equal((cut, dropped), (outcome.Data?.Cut.Sum(reason => reason.Count), outcome.Data?.Dropped.Sum(reason => reason.Count)));
        Assert.Contains("data.jsonl, line 2 has", Assert.Throws<UserErrorException>(() =>
            Sft("error", TinyRun.Recipe with { LongRows = LongRows.Error }, Good, longUser)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_stands_behind_the_last_answer_of_a_long_row_goes_first()
    {
        var longThenUser =
            $$"""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes."},{"role":"user","content":"{{string.Join(' ', Enumerable.Repeat("copper", 60))}}"}]}""";
        var outcome = Sft("then", longThenUser);
        Assert.Equal((1, 1), (outcome.Data?.Used, outcome.Data?.Cut.Single().Count));
        Assert.True(outcome.Loss > 1, $"the loss is {outcome.Loss}");
    }

    [Fact]
    public void Pairs_that_are_too_long_empty_or_equal_are_cut_or_left_out_and_counted()
    {
        var outcome = Dpo(
            "pairs",
            """{"prompt":"a","chosen":"b","rejected":"c"}""",
            """{"prompt":"a","chosen":"","rejected":"c"}""",
            """{"prompt":"a","chosen":"b","rejected":"b"}""",
            $$"""{"prompt":"a","chosen":"{{string.Join(' ', Enumerable.Repeat("copper", 60))}}","rejected":"c"}""",
            $$"""{"prompt":"{{string.Join(' ', Enumerable.Repeat("copper", 60))}}","chosen":"b","rejected":"c"}""",
            """{"chosen":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello."}],"rejected":[{"role":"user","content":"Hi"},{"role":"assistant","content":"No."}]}"""
        );
        Assert.Equal((6, 3), (outcome.Data?.Read, outcome.Data?.Used));
        Assert.Equal(
            [("longer-than-context", "data.jsonl, line 5")],
            outcome.Data?.Cut.Select(reason => (reason.Reason, reason.First)) ?? []
        );
        Assert.Equal(
            [
                ("chosen-empty", "data.jsonl, line 2"),
                ("chosen-equals-rejected", "data.jsonl, line 3"),
                ("no-answer-left-after-cut", "data.jsonl, line 4"),
            ],
            outcome.Data?.Dropped.Select(reason => (reason.Reason, reason.First)) ?? []
        );
        Assert.Equal(Math.Log(2), outcome.Loss, 1e-6);
        Assert.Contains(
            "chosen-empty: 1",
            Assert.Throws<UserErrorException>(() => Dpo("empty", """{"prompt":"a","chosen":"","rejected":"c"}""")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Examples_that_the_steps_never_reach_are_counted()
    {
        var outcome = Dpo("few", [.. Enumerable.Range(0, 7).Select(i => $$"""{"prompt":"a{{i}}","chosen":"b","rejected":"c"}""")]);
        Assert.Equal((1, 5), (outcome.Steps, outcome.Data?.NotReached));
        Assert.Contains("5 not reached", outcome.Data?.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_end_training_before_it_begins()
    {
        var path = Path.Combine(_run.Root, "data.jsonl");
        File.WriteAllBytes(
            path,
            [.. Encoding.UTF8.GetBytes(Good), (byte)'\n', .. "{\"messages\":[{\"role\":\"user\",\"content\":\"caf"u8, 0xE9, .. "\"}]}\n"u8]
        );
        var error = Assert.Throws<UserErrorException>(() =>
            TrainingStages.Sft(Recipe, Path.Combine(_run.Root, "base", "model"), path, _run.Context("bytes"))
        );
        Assert.Contains("line 2 is not valid UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pretraining_counts_the_tokens_outside_its_windows_and_those_it_does_not_reach()
    {
        var data = _run.Pretrain("short", 2).Data;
        using var shard = TokenShard.Open(Path.Combine(_run.TokensDirectory, "train.bin"));
        var windows = (shard.Length - 1) / 32 - 1;
        Assert.Equal((shard.Length, windows * 32, shard.Length - windows * 32, windows * 32 - 2 * 128),
            (data?.Read, data?.Used, data?.Dropped.Single().Count, data?.NotReached));
    }

    [Fact]
    public void Pairs_of_texts_with_an_empty_side_are_left_out_and_counted()
    {
        var (sources, targets) = (Path.Combine(_run.Root, "a.en"), Path.Combine(_run.Root, "a.de"));
        File.WriteAllText(sources, "a dog\n\na cat\r\nmid\rline\n");
        File.WriteAllText(targets, "ein Hund\nx\n \nzwei\n");
        var tally = new DataTally(PairFiles.Unit);
        Assert.Equal(
            [new TextPair("a dog", "ein Hund"), new TextPair("mid\rline", "zwei")],
            PairFiles.Read($"{sources},{targets}", tally).Select(pair => pair.Pair)
        );
        Assert.Equal(
            [("source-empty", "a.en, line 2"), ("target-empty", "a.en, line 3")],
            tally.ToCounts().Dropped.Select(reason => (reason.Reason, reason.First))
        );
        File.WriteAllBytes(sources, [.. "a dog\ncaf"u8, 0xE9, .. "\n"u8]);
        Assert.Contains(
            "line 2 is not valid UTF-8",
            Assert.Throws<UserErrorException>(() => PairFiles.Read($"{sources},{targets}")).Message,
            StringComparison.Ordinal
        );
        File.WriteAllText(sources, """{"source":"","target":"x"}""");
        Assert.Contains(
            "holds no pair",
            Assert.Throws<UserErrorException>(() => PairFiles.Read(sources)).Message,
            StringComparison.Ordinal
        );
    }

    private static SftRecipe Recipe => new(new AdamWRecipe(1e-3), new ScheduleRecipe(), BatchTokens: 64);

    private TrainingOutcome Sft(string name, params string[] rows) => Sft(name, TinyRun.Recipe, rows);

    private TrainingOutcome Sft(string name, TrainingRecipe training, params string[] rows) =>
        TrainingStages.Sft(
            Recipe,
            Path.Combine(_run.Root, "base", "model"),
            Data(rows),
            _run.Context(name, training) with
            {
                Notice = _notices.Add,
            }
        );

    private TrainingOutcome Dpo(string name, params string[] rows) =>
        TrainingStages.Dpo(
            new DpoRecipe(new AdamWRecipe(1e-3), new ScheduleRecipe(), BatchPairs: 2, TotalPairs: 2),
            Path.Combine(_run.Root, "base", "model"),
            Data(rows),
            _run.Context(name)
        );

    private string Data(string[] rows)
    {
        var path = Path.Combine(_run.Root, "data.jsonl");
        File.WriteAllLines(path, rows);
        return path;
    }
}
