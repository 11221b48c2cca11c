using System.Buffers.Binary;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Sources;
using Dolmen.Tables;
using Dolmen.Tests.Data.Fuzz;
using Dolmen.Tests.Web.Warc;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tests.Tables;

/// <summary>What a reader that believes the file would allocate gigabytes for, or never come back from.</summary>
public class DamagedParquet
{
    private const long Modest = 64 << 20;

    [Fact]
    public async Task A_footer_that_ends_in_a_number_is_refused()
    {
        var file = await ParquetFile.Make(CompressionMethod.Zstd);
        file.AsSpan(file.Length - 12, 4).Fill(0xFF);
        Assert.Contains("not a Parquet file that can be read", Refused(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_row_group_is_counted_and_the_others_are_read()
    {
        var file = await ParquetFile.Make(CompressionMethod.Snappy);
        file.AsSpan(4, 12).Fill(0xFF);
        var (records, funnel) = WarcFile.Read(file, "rows.parquet");
        Assert.Equal(25, records.Count);
        Assert.Equal(("id-25", 26), (records[0].Id, records[0].Offset));
        Assert.Equal(25, funnel.Dropped["row-group-damaged"]);
        Assert.Equal(
            new BrokenRecord("rows.parquet", 1, "row-group-damaged"),
            Assert.Single(funnel.Broken.Select(b => b with { Detail = null }))
        );
    }

    [Theory]
    [InlineData(new byte[] { 0x15, 2, 0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0 }, "longer than the file")]
    [InlineData(new byte[] { 0x15, 2, 0x19, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0 }, "longer than the file")]
    [InlineData(new byte[] { 0x15, 2, 0x58, 9, (byte)'d' }, "behind its end")]
    [InlineData(new byte[] { 0x15, 2, 0x18, 4, 0 }, "must be List")]
    [InlineData(new byte[] { 0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0 }, "too many bytes")]
    [InlineData(
        new byte[] { 0x15, 2, 0x19, 0x2C, 0x48, 1, (byte)'r', 0x15, 2, 0, 0x48, 1, (byte)'a', 0x15, 200, 1, 0, 0 },
        "lacks columns"
    )]
    [InlineData(new byte[] { 0x15, 2, 0x19, 0x1C, 0x48, 1, (byte)'r', 0x15, 1, 0, 0 }, "nested")]
    public void A_footer_that_lies_is_refused(byte[] footer, string why) =>
        Assert.Contains(why, Refused(File(footer)), StringComparison.Ordinal);

    [Fact]
    public void Columns_in_columns_without_end_are_refused()
    {
        byte[] inner = [0x48, 1, (byte)'a', 0x15, 2, 0];
        byte[] footer = [0x15, 2, 0x19, 0xFC, 0x90, 0x4E, .. Enumerable.Repeat(inner, 10_000).SelectMany(b => b), 0];
        Assert.Contains("nested too deep", Refused(File(footer)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CompressionMethod.Zstd)]
    [InlineData(CompressionMethod.Snappy)]
    public async Task A_page_that_unfolds_to_more_than_it_says_is_not_unfolded(CompressionMethod compression)
    {
        var file = await Bytes(compression, new byte[3 << 20]);
        // The page's header begins with its type and its size, a number of four bytes here.
        Assert.Equal([0x15, 0, 0x15], file[4..7]);
        Assert.True(file[7] >= 0x80 && file[8] >= 0x80 && file[9] >= 0x80 && file[10] < 0x80);
        (file[8], file[9], file[10]) = (0x80, 0x80, 0);
        Assert.Equal("row-group-damaged:1", Counted(file));
    }

    [Fact]
    public async Task A_page_of_zeros_is_taken_for_a_bomb() =>
        Assert.Equal("row-group-damaged:1", Counted(await Bytes(CompressionMethod.Zstd, new byte[70 << 20])));

    [Fact]
    public async Task A_long_text_in_many_rows_is_held_once()
    {
        DataField<string> text = new("text");
        var value = string.Concat(Enumerable.Range(0, 60_000).Select(i => $"stone {i} "));
        using var output = new MemoryStream();
        var options = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd };
        options.ColumnEncodingHints["text"] = EncodingHint.Dictionary;
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(text), output, options))
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(text, Enumerable.Repeat(value, 3000).ToArray());
        }
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, "rows.parquet");
        System.IO.File.WriteAllBytes(path, output.ToArray());
        using var table = ParquetTable.Open(path);
        var texts = table.Strings(0, table.Find("text"));
        Assert.Equal(value, texts[0]);
        Assert.Same(texts[0], texts[2999]);
    }

    [Fact]
    public async Task Numbers_dates_and_nulls_come_back_from_every_compression()
    {
        foreach (var file in await ParquetFile.All())
        {
            using var folder = new Fakes.TemporaryFolder();
            var path = Path.Combine(folder.Path, "rows.parquet");
            System.IO.File.WriteAllBytes(path, file);
            using var table = ParquetTable.Open(path);
            Assert.Equal([null, 29000L, 30000L], ((long?[])table.Values(1, table.Find("token_count")!))[3..6]);
            Assert.Equal(26 / 7.0, table.Numbers(1, table.Find("score"))[1]);
            Assert.Equal(["de", null, "en"], table.Strings(1, table.Find("language"))[..3]);
            Assert.Equal("1970-01-02T02:00:00Z", table.AsStrings(1, table.Find("date")!)[1]);
            Assert.Equal(["d1", "d2"], table.AsStrings(1, table.Find("dump")!)[..2]);
            Assert.Equal([false, true], ((bool?[])table.Values(1, table.Find("flag")!))[..2]);
        }
    }

    private static byte[] File(byte[] footer)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        return [.. "PAR1"u8, .. footer, .. length, .. "PAR1"u8];
    }

    private static async Task<byte[]> Bytes(CompressionMethod compression, byte[] value)
    {
        DataField<byte[]> text = new("text");
        using var output = new MemoryStream();
        await using (
            var writer = await ParquetWriter.CreateAsync(
                new ParquetSchema(text),
                output,
                new ParquetOptions { CompressionMethod = compression }
            )
        )
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(text, new[] { value });
        }
        return output.ToArray();
    }

    private static string Counted(byte[] file)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var (records, funnel) = WarcFile.Read(file, "rows.parquet", new ReadLimits(MaxRecordBytes: 1 << 30));
        Assert.Empty(records);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < Modest);
        return string.Join(' ', funnel.Dropped.Select(d => $"{d.Key}:{d.Value}"));
    }

    private static string Refused(byte[] file)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var message = Assert.Throws<UserErrorException>(() => WarcFile.Read(file, "rows.parquet")).Message;
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < Modest);
        return message;
    }
}
