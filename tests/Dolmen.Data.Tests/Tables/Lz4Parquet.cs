using Dolmen.Artifacts;
using Dolmen.Tables;
using Dolmen.Tests.Data.Fuzz;

namespace Dolmen.Tests.Tables;

/// <summary>Files that DuckDB 1.x wrote with LZ4_RAW from rows made by a formula, pages of both versions, and blocks framed as Hadoop
/// frames them.</summary>
public class Lz4Parquet
{
    private const int Rows = 300;

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Tables", "Goldens", name);

    private static string?[] Texts(string path)
    {
        using var table = ParquetTable.Open(path);
        return [.. table.Strings(0, table.Find("text"))];
    }

    [Theory]
    [InlineData("lz4-raw-v1.parquet")]
    [InlineData("lz4-raw-v2.parquet")]
    public void Values_and_nulls_of_both_versions_of_pages_are_read(string file) =>
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => i % 3 == 0 ? null : $"the stone {i} that stands"), Texts(Golden(file)));

    [Theory]
    [InlineData("lz4-raw-v1-dictionary.parquet")]
    [InlineData("lz4-raw-v2-dictionary.parquet")]
    public void Values_of_a_dictionary_are_read(string file) =>
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => $"the stone of kind {i % 7} that stands"), Texts(Golden(file)));

    [Theory]
    [InlineData("lz4-raw-v1.parquet")]
    [InlineData("lz4-raw-v2-dictionary.parquet")]
    public void Bytes_that_were_changed_are_refused_or_read_within_bounds(string file)
    {
        using var folder = new Fakes.TemporaryFolder();
        var path = Path.Combine(folder.Path, file);
        var good = File.ReadAllBytes(Golden(file));
        var refused = 0;
        for (var at = 4; at < ParquetFile.Footer(good); at++)
        {
            var bytes = good.ToArray();
            bytes[at] = 0xFF;
            File.WriteAllBytes(path, bytes);
            try
            {
                Assert.Equal(Rows, Texts(path).Length);
            }
            catch (UserErrorException)
            {
                refused++;
            }
        }
        Assert.True(refused > 20, $"{refused} of the changed files were refused.");
    }

    [Fact]
    public void Blocks_behind_their_lengths_are_unfolded_one_after_another()
    {
        // "abcabcabc!" as three literals, a match of six that repeats itself, and a last literal; then "xy" in two frames.
        byte[] block = [0x32, (byte)'a', (byte)'b', (byte)'c', 3, 0, 0x10, (byte)'!'];
        byte[] frames = [0, 0, 0, 10, 0, 0, 0, 8, .. block, 0, 0, 0, 2, 0, 0, 0, 2, 0x10, (byte)'x', 0, 0, 0, 2, 0x10, (byte)'y'];
        var to = new byte[12];
        Assert.True(Lz4Block.TryDecodeHadoop(frames, to));
        Assert.Equal("abcabcabc!xy"u8.ToArray(), to);
        Assert.True(Lz4Block.TryDecode(block, to.AsSpan(0, 10)));
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 2, 0x10, 1 })]      // more than the page holds
    [InlineData(new byte[] { 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x10, 1 })]      // a block longer than what is there
    [InlineData(new byte[] { 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 1 })]                  // a block of no bytes
    [InlineData(new byte[] { 0, 0, 0, 1, 0, 0, 0, 3, 0xF0, 0xFF, 0xFF })]         // a length that does not end
    [InlineData(new byte[] { 0, 0, 0, 1, 0, 0, 0, 4, 0x10, 1, 9, 0 })]            // a match before the beginning
    public void Lengths_that_are_not_true_are_refused(byte[] frames) => Assert.False(Lz4Block.TryDecodeHadoop(frames, new byte[1]));
}
