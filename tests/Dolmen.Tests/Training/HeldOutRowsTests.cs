using Dolmen.Training.Pretraining;

namespace Dolmen.Tests.Training;

public sealed class HeldOutRowsTests
{
    [Theory]
    [InlineData(new[] { 3, 3, 3 }, 6)]
    [InlineData(new[] { 10, 1, 25, 4, 4, 2 }, 7)]
    [InlineData(new[] { 6, 6, 1 }, 6)]
    [InlineData(new[] { 13 }, 7)]
    [InlineData(new[] { 1 }, 4)]
    public void Every_token_but_a_documents_first_is_predicted_once_and_from_its_own_document(int[] lengths, int rowLength)
    {
        int[] starts = [0, .. lengths.Select((_, i) => lengths[..(i + 1)].Sum())];
        var predicted = new int[starts[^1]];
        foreach (var row in HeldOutRows.Of(new int[starts[^1]], starts, rowLength))
        {
            var (first, end) = (row.Tokens.Start.Value, row.Tokens.End.Value);
            Assert.InRange(end - first, 1, rowLength);
            Assert.Equal(end - first, row.Starts[^1]);
            foreach (var (from, to) in row.Starts.Zip(row.Starts[1..]))
            {
                Assert.Equal(DocumentOf(starts, first + from), DocumentOf(starts, first + to - 1));
                for (var t = first + from + 1; t < first + to; t++) predicted[t]++;
            }
        }
        for (var t = 0; t < predicted.Length; t++) Assert.Equal(starts.Contains(t) ? 0 : 1, predicted[t]);
    }

    private static int DocumentOf(int[] starts, int token) => starts.Count(start => start <= token);
}
