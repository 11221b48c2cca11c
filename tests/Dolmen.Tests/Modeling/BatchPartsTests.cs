using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class BatchPartsTests
{
    private const int Rows = 6, Length = 16;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void Every_part_has_rows_and_the_same_number_of_threads(long rows)
    {
        var parts = BatchParts.Count(rows);
        Assert.InRange(parts, 1, rows);
        Assert.Equal(0, get_num_threads() % parts);
        Assert.Equal(0, BatchParts.Start(rows, parts, 0));
        Assert.Equal(rows, BatchParts.Start(rows, parts, parts));
    }

    [Fact]
    public void Parts_run_on_threads_of_their_own_and_leave_the_callers_threads_alone()
    {
        var threads = get_num_threads();
        var (current, limits, managed) = (new int[3], new int[3], new int[3]);
        BatchParts.Run(3, part => (current[part], limits[part], managed[part]) =
            (BatchParts.Current, get_num_threads(), Environment.CurrentManagedThreadId));
        Assert.Equal([0, 1, 2], current);
        Assert.All(limits, limit => Assert.Equal(Math.Max(1, threads / 3), limit));
        Assert.Equal(3, managed.Distinct().Count());
        Assert.Equal(threads, get_num_threads());
    }

    [Fact]
    public void The_first_failure_is_thrown_when_all_parts_have_ended()
    {
        var ended = 0;
        var error = Assert.Throws<InvalidOperationException>(() => BatchParts.Run(3, part =>
        {
            Interlocked.Increment(ref ended);
            if (part > 0) throw new InvalidOperationException($"part {part}");
        }));
        Assert.Equal("part 1", error.Message);
        Assert.Equal(3, ended);
        BatchParts.Run(2, _ => Interlocked.Increment(ref ended));
        Assert.Equal(5, ended);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("mamba2")]
    [InlineData("hybrid-long")]
    public void Gradients_of_parts_add_up_to_those_of_the_batch_and_repeat(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new LanguageDecoder(SmallModels.All[name], Compute.Host());
        model.Parameters.Initialize(5);
        var vocab = model.Config.VocabSize;
        var tokens = tensor([.. Enumerable.Range(0, Rows * Length).Select(i => (long)(i * 7 % 13 * 5 % vocab))], [Rows, Length]);
        var segments = new Segments(Rows, Length,
            Enumerable.Range(0, Rows).SelectMany(row => (Segment[])[new(row, 0, 5 + row), new(row, 5 + row, Length - 5 - row)]));
        foreach (var apart in (Segments?[])[null, segments])
        {
            var loss = model.Loss(tokens, tokens, 1.0 / (Rows * Length), apart);
            var expected = model.Parameters.Backward(loss, first: true);
            var whole = model.Parameters.Gradient.ToArray();
            var sums = new List<float[]>();
            for (var again = 0; again < 2; again++)
            {
                var divided = model.Backward(tokens, tokens, 1.0 / (Rows * Length), first: true, apart);
                Assert.Equal(expected, divided, 5);
                sums.Add(model.Parameters.Gradient.ToArray());
            }
            Assert.Equal(sums[0], sums[1]);
            var largest = whole.Max(Math.Abs);
            Assert.All(whole.Zip(sums[0]), pair => Assert.InRange(pair.Second - pair.First, -2e-5 * largest, 2e-5 * largest));
            model.Backward(tokens, tokens, 1.0 / (Rows * Length), first: false, apart);
            Assert.All(sums[0].Zip(model.Parameters.Gradient.ToArray()), pair => Assert.Equal(2 * pair.First, pair.Second, 1e-5 * largest));
        }
    }
}
