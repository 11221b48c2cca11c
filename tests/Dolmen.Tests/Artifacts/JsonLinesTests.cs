using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public sealed class JsonLinesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("{\"a\":1}\n{\"a\":2}\n", "1:1 2:2")]
    [InlineData("\uFEFF{\"a\":1}\r\n\r\n \t\r\n{\"a\":2}", "1:1 4:2")]
    [InlineData("[{\"a\":1},{\"a\":2}]", "1:1 1:2")]
    [InlineData("[\n  {\n    \"a\": 1\n  },\n  {\"a\": 2}\n]\n", "2:1 5:2")]
    [InlineData("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", "1:1 4:2")]
    [InlineData("{\n\"a\":1}", "1:1")]
    [InlineData("[]", "")]
    [InlineData("\n\n", "")]
    [InlineData("", "")]
    public void Lines_arrays_and_values_of_several_lines_are_read_with_their_lines(string text, string rows) =>
        Assert.Equal(rows, string.Join(' ', Rows(Write("a.jsonl", text))));

    [Theory]
    [InlineData(
        "{\"a\":1}\n{\"a\":\"2\"\n",
        "a.jsonl is not valid JSON at line 2, column 9: It ends before an object or array in it is closed."
    )]
    [InlineData("[\n{\"a\":1},\n{\"a\"", "a.jsonl is not valid JSON at line 3")]
    [InlineData(
        "{\"a\":1}\n{\"a\":2,}\n",
        "a.jsonl is not valid JSON at line 2, column 8: The JSON object contains a trailing comma at its end"
    )]
    [InlineData("{\"a\":1}\n7\n", "a.jsonl, line 2: the row is 7: it must be an object.")]
    [InlineData("{\"a\":1}\n{\"a\":2,\"a\":3}\n", "a.jsonl, line 2: the row has the key \"a\" twice")]
    [InlineData("{\"a\":1}\n{\"\\udc00\":2}\n", "a.jsonl, line 2 has a name with half a surrogate pair")]
    [InlineData("text,label\nsome,1\n", "a.jsonl, line 1 is not JSON: the file seems to be CSV.")]
    [InlineData("\"text\",\"label\"\n", "a.jsonl, line 1 is not JSON: the file seems to be CSV.")]
    [InlineData("text\tlabel\n", "the file seems to be tab-separated values.")]
    [InlineData("Once upon a time\n", "the file seems to be plain text.")]
    [InlineData("PAR1\u0001\u0002", "It seems to be a Parquet file")]
    [InlineData("<!DOCTYPE html>\n", "It seems to be an HTML page")]
    public void What_is_wrong_is_said_with_file_line_and_kind(string text, string message)
    {
        var path = Write("a.jsonl", text);
        var error = Assert.Throws<UserErrorException>(() => Rows(path));
        Assert.Contains(message, error.Message.Replace(path, "a.jsonl", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("System.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_an_error_of_their_line()
    {
        var path = Path.Combine(_folder, "a.jsonl");
        File.WriteAllBytes(path, [.. "{\"a\":1}\n{\"a\":\"caf"u8, 0xE9, .. "\"}\n"u8]);
        Assert.Contains(
            "line 2 is not valid UTF-8 (byte 0xE9)",
            Assert.Throws<UserErrorException>(() => Rows(path)).Message,
            StringComparison.Ordinal
        );
        File.WriteAllText(path, "{\"a\":1}\n", Encoding.Unicode);
        Assert.Contains("UTF-16", Assert.Throws<UserErrorException>(() => Rows(path)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "{\"a\":1}\n", new UnicodeEncoding(bigEndian: false, byteOrderMark: false));
        Assert.Contains("UTF-16", Assert.Throws<UserErrorException>(() => Rows(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.jsonl.gz")]
    [InlineData("a.jsonl")]
    public void Compressed_files_are_read_whatever_their_name(string name)
    {
        var packed = Gzip("{\"a\":1}\n{\"a\":2}\n");
        File.WriteAllBytes(Path.Combine(_folder, name), [.. packed, .. Gzip("{\"a\":3}\n")]);
        Assert.Equal(["1:1", "2:2", "3:3"], Rows(Path.Combine(_folder, name)));
        using (var zstd = new ZstdSharp.Compressor()) File.WriteAllBytes(Path.Combine(_folder, name), zstd.Wrap("{\"a\":1}\n"u8));
        Assert.Equal(["1:1"], Rows(Path.Combine(_folder, name)));
    }

    [Fact]
    public void A_compressed_file_that_was_cut_short_is_never_taken_for_a_whole_one()
    {
        var packed = Gzip(string.Concat(Enumerable.Range(0, 2000).Select(i => $"{{\"a\":{i * 7919 % 10007}}}\n")));
        var path = Path.Combine(_folder, "a.jsonl.gz");
        foreach (
            var length in new[] { packed.Length - 1, packed.Length - 4, packed.Length - 8, packed.Length - 9, packed.Length / 2, 20, 5 }
        )
        {
            File.WriteAllBytes(path, packed[..length]);
            Assert.Contains("damaged or cut short", Assert.Throws<UserErrorException>(() => Rows(path)).Message, StringComparison.Ordinal);
        }
        packed[^6] ^= 1;
        File.WriteAllBytes(path, packed);
        Assert.Contains("damaged or cut short", Assert.Throws<UserErrorException>(() => Rows(path)).Message, StringComparison.Ordinal);
        byte[] frame;
        using (var zstd = new ZstdSharp.Compressor())
            frame = zstd.Wrap(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":1}\n", 5000)))).ToArray();
        File.WriteAllBytes(path, frame[..^3]);
        Assert.Contains("damaged or cut short", Assert.Throws<UserErrorException>(() => Rows(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_or_not_what_its_name_says_is_named()
    {
        Assert.Contains(
            "does not exist",
            Assert.Throws<UserErrorException>(() => Rows(Path.Combine(_folder, "none"))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("is a folder", Assert.Throws<UserErrorException>(() => Rows(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "is not compressed although",
            Assert.Throws<UserErrorException>(() => Rows(Write("a.gz", "{\"a\":1}\n"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Reasons_are_counted_with_the_first_place_of_each()
    {
        var tally = new DataTally("rows");
        for (var line = 1; line <= 4; line++)
        {
            tally.Read();
            if (line % 2 == 0) tally.Drop("even", new DataPlace("/somewhere/a.jsonl", line));
            else tally.Use();
        }
        tally.Cut("long", new DataPlace("a.jsonl", 3));
        Assert.Equal(
            "4 rows read, 2 used, 2 dropped (even: 2, first a.jsonl, line 2), 1 cut (long: 1, first a.jsonl, line 3)",
            tally.ToCounts().ToString()
        );
        Assert.Equal(2, tally.RequireSome("a.jsonl", "").Used);
        var none = new DataTally("rows");
        Assert.Contains(
            "holds no rows",
            Assert.Throws<UserErrorException>(() => none.RequireSome("a.jsonl", "")).Message,
            StringComparison.Ordinal
        );
        none.Read();
        none.Drop("even", new DataPlace("a.jsonl", 1));
        Assert.Contains(
            "even: 1, first a.jsonl, line 1",
            Assert.Throws<UserErrorException>(() => none.RequireSome("a.jsonl", "")).Message,
            StringComparison.Ordinal
        );
    }

    private static List<string> Rows(string path) => [.. JsonLines.Rows(path).Select(row => $"{row.Line}:{row.Find("a")?.Value}")];

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return path;
    }

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }
}
