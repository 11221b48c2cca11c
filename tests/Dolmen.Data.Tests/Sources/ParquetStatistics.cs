using Dolmen.Tables;
using Parquet;
using Encoding = System.Text.Encoding;
using Statistics = Parquet.Meta.Statistics;

namespace Dolmen.Tests.Data.Sources;

/// <summary>What the footers of our tables say of their columns.</summary>
public class ParquetStatistics
{
    [Fact]
    public void Short_values_and_numbers_are_whole_and_nulls_are_counted()
    {
        using var file = Table([("b", 3L), ("a", null), ("c", -1L)]);
        var (text, number) = (Of(file, "text"), Of(file, "number"));
        Assert.Equal(("a", "c"), (Text(text.MinValue), Text(text.MaxValue)));
        Assert.NotEqual(false, text.IsMinValueExact);
        Assert.NotEqual(false, text.IsMaxValueExact);
        Assert.Equal(0, text.NullCount);
        Assert.Equal((-1L, 3L), (BitConverter.ToInt64(number.MinValue), BitConverter.ToInt64(number.MaxValue)));
        Assert.Equal(1, number.NullCount);
    }

    [Theory]
    [InlineData("x", "y")]
    [InlineData("é", "ê")]
    [InlineData("\uD7FF", "\uE000")]
    [InlineData("😀", "😁")]
    public void A_long_text_is_cut_at_a_character_and_the_greatest_is_raised(string character, string next)
    {
        var whole = string.Concat(Enumerable.Repeat(character, 60_000 / Encoding.UTF8.GetByteCount(character)));
        using var file = Table([(whole, 1L), (whole + "a", 2L)]);
        var text = Of(file, "text");
        var kept = BoundedStatistics.MaxBytes / Encoding.UTF8.GetByteCount(character);
        var cut = string.Concat(Enumerable.Repeat(character, kept));
        Assert.Equal(cut, Text(text.MinValue));
        Assert.Equal(cut[..^character.Length] + next, Text(text.MaxValue));
        Assert.Equal((false, false), (text.IsMinValueExact, text.IsMaxValueExact));
        Assert.Equal(0, text.NullCount);
        Assert.True(text.Min is null or { Length: <= 64 } && text.Max is null or { Length: <= 64 });
        Assert.InRange(FooterBytes(file), 1, 2000);

        // The rows are what they were.
        file.Position = 0;
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.parquet");
        File.WriteAllBytes(path, file.ToArray());
        using var table = ParquetTable.Open(path);
        Assert.Equal([whole, whole + "a"], table.Strings(0, table.Find("text")));
    }

    [Fact]
    public void Where_no_text_is_greater_the_greatest_value_is_left_out()
    {
        var last = string.Concat(Enumerable.Repeat("\U0010FFFF", 20));
        using var file = Table([("a", 1L), (last, 2L)]);
        var text = Of(file, "text");
        Assert.Equal("a", Text(text.MinValue));
        Assert.Null(text.MaxValue);
        Assert.Null(text.IsMaxValueExact);
    }

    /// <summary>Readers compare the bytes of UTF-8.</summary>
    [Fact]
    public void The_order_is_that_of_bytes()
    {
        using var file = Table([("a", 1L), ("B", 2L), ("é", 3L), ("z", 4L)]);
        Assert.Equal(("B", "é"), (Text(Of(file, "text").MinValue), Text(Of(file, "text").MaxValue)));
    }

    private static MemoryStream Table(IEnumerable<(string Text, long? Number)> rows)
    {
        var file = new MemoryStream();
        using var table = new TableWriter(file, ["text"], ["number"], []);
        foreach (var (text, number) in rows) table.Add([text], [number], []);
        table.Complete();
        return file;
    }

    private static Statistics Of(MemoryStream file, string column)
    {
        using var copy = new MemoryStream(file.ToArray());
        var reader = ParquetReader.CreateAsync(copy).GetAwaiter().GetResult();
        var chunk = reader.Metadata!.RowGroups.Single().Columns.Single(one => one.MetaData!.PathInSchema.Single() == column);
        return chunk.MetaData!.Statistics!;
    }

    private static string? Text(byte[]? value) => value is null ? null : Encoding.UTF8.GetString(value);

    private static int FooterBytes(MemoryStream file) => BitConverter.ToInt32(file.ToArray().AsSpan()[^8..^4]);
}
