using Dolmen.Artifacts;
using Dolmen.Benchmarks;
using Dolmen.Benchmarks.Speedrun;
using Dolmen.Evaluation;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Tests.Benchmarks;

public class SpeedrunBenchmarkTests
{
    private static readonly PipelineRecipe Recipe = RecipeFile.Load(
        "quickstart", new RecipeChanges(Set: ["base.batchTokens=1024", "shares.base=0.5"]));

    [Fact]
    public void Without_options_there_are_two_finishing_lines_in_whole_batches()
    {
        var lengths = SpeedrunBenchmark.Lengths(new BenchmarkInputs([], null), Recipe, tokensPerSecond: 1000);
        // 8 minutes at 1000 tokens a second, half of them for the base model.
        Assert.Equal([5_000_000 / 1024 * 1024, 240_000 / 1024 * 1024], lengths.Select(length => length.Tokens));
    }

    [Fact]
    public void What_is_asked_for_is_the_only_finishing_line()
    {
        var tokens = new BenchmarkInputs([], null) { Tokens = 10 };
        Assert.Equal([1024], SpeedrunBenchmark.Lengths(tokens, Recipe, 1000).Select(length => length.Tokens));
        var minutes = new BenchmarkInputs([], null) { Minutes = 1 };
        Assert.Equal([30_000 / 1024 * 1024], SpeedrunBenchmark.Lengths(minutes, Recipe, 1000).Select(length => length.Tokens));
    }

    [Fact]
    public void A_row_has_the_mean_over_the_seeds_and_half_the_range_as_a_share_of_it()
    {
        EvaluationResult[] scores = [Result(0.6, 0.5), Result(0.9, 0.7)];
        var rows = SpeedrunBenchmark.Rows("x", scores).ToList();
        Assert.Equal(["x: bits_per_byte", "x: acc_norm"], rows.Select(row => row.Case));
        Assert.Equal([0.75, 0.6], rows.Select(row => row.Value), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0.2, 0.1 / 0.6], rows.Select(row => row.Spread), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0.66 / 0.75, 0.6 / 0.75], rows.Select(row => row.Ratio), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.All(rows, row => Assert.Equal(2, row.MedianOf));
    }

    [Fact]
    public void A_part_of_the_course_is_made_once_and_is_whole_or_not_there()
    {
        using var cache = new Fakes.TemporaryFolder();
        var calls = 0;
        void Fail(string folder)
        {
            calls++;
            File.WriteAllText(Path.Combine(folder, "half"), "");
            throw new InvalidOperationException();
        }
        void Make(string folder)
        {
            calls++;
            File.WriteAllText(Path.Combine(folder, "whole"), "");
        }
        var hash = StableHash.Sha256("x");
        Assert.Throws<InvalidOperationException>(() => SpeedrunCourse.Made(cache.Path, "corpus", hash, Fail));
        Assert.Empty(Directory.EnumerateFileSystemEntries(cache.Path));
        // What a process left that is gone; ids of processes are smaller.
        Directory.CreateDirectory(Path.Combine(cache.Path, $"corpus-0.{int.MaxValue}.unfinished"));
        var alive = Directory.CreateDirectory(Path.Combine(cache.Path, "corpus-0.1.unfinished")).FullName;
        var made = SpeedrunCourse.Made(cache.Path, "corpus", hash, Make);
        Assert.Equal([alive, made], Directory.GetDirectories(cache.Path).Order(StringComparer.Ordinal));
        Assert.Equal(made, SpeedrunCourse.Made(cache.Path, "corpus", hash, Make));
        Assert.Equal(2, calls);
        Assert.Equal(["whole"], Directory.EnumerateFiles(made).Select(Path.GetFileName));
    }

    [Fact]
    public void Other_benchmarks_refuse_its_options()
    {
        var kernels = Benchmark.All.First(bench => bench.Name == "kernels");
        var speedrun = Benchmark.All.First(bench => bench.Name == "speedrun");
        foreach (var inputs in new BenchmarkInputs[]
        {
            new([], null) { Minutes = 1 },
            new([], null) { Tokens = 1 },
            new([], null) { Seeds = 1 },
            new([], null) { Set = ["minutes=1"] },
        })
        {
            speedrun.Check(inputs);
            var refused = Assert.Throws<UserErrorException>(() => kernels.Check(inputs));
            Assert.Contains("leave them out", refused.Message, StringComparison.Ordinal);
        }
        foreach (var inputs in new BenchmarkInputs[]
        {
            new([], null) { Minutes = 0 },
            new([], null) { Minutes = double.NaN },
            new([], null) { Tokens = 0 },
            new([], null) { Seeds = 0 },
        })
            Assert.Throws<UserErrorException>(() => speedrun.Check(inputs));
    }

    private static EvaluationResult Result(double bits, double accuracy) => new(
    [
        new EvaluationScore("bits-per-byte", "bits_per_byte", EvaluationScore.AllItems, bits, null, 1, false),
        new EvaluationScore("multiple-choice", "acc_norm", EvaluationScore.AllItems, accuracy, null, 1, true),
    ]);
}
