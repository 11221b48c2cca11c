using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Inputs;
using Dolmen.Data.Sources;
using Dolmen.Tests.Web.Warc;
using Parquet;
using Parquet.Schema;

namespace Dolmen.Tests.Data.Sources;

public class Rows
{
    internal const string Json = """
        {"text":"One stone.","id":"a","url":"https://stones.example/","date":"2024-01-02","language":"en","provenance":"human","dump":"D","extra":{"text":"no"}}

        {"id":7,"metadata":{"url":"https://metadata.example/","timestamp":"2023","text":"no"},"text":"Two stones."}
        {"text":"Three \ud83e\udea8 stones."}
        {"text":""}
        {"text":null}
        {"messages":[]}
        ["text"]
        {"text":"open
        {"text":"half \ud800 a pair"}
        {"text":"x"} y
        """;

    [Theory]
    [InlineData("rows.jsonl")]
    [InlineData("rows.NDJSON")]
    [InlineData("rows.jsonl.gz")]
    [InlineData("rows.jsonl.zst")]
    public void Json_lines_give_their_fields(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(Json);
        bytes =
            name.EndsWith(".gz", StringComparison.Ordinal) ? WarcFile.Gzip(bytes)
            : name.EndsWith(".zst", StringComparison.Ordinal) ? WarcFile.Zstd(bytes)
            : bytes;
        var (records, funnel) = WarcFile.Read(bytes, name);
        Assert.Equal(
            [
                new SourceRecord("a", name, 1)
                {
                    Text = "One stone.",
                    Url = "https://stones.example/",
                    Date = "2024-01-02",
                    Language = "en",
                    Provenance = "human",
                    Dump = "D",
                },
                new SourceRecord("7", name, 3)
                {
                    Text = "Two stones.",
                    Url = "https://metadata.example/",
                    Date = "2023",
                    Dump = "crawl",
                },
                new SourceRecord($"{name}#4", name, 4) { Text = "Three 🪨 stones.", Dump = "crawl" },
            ],
            records
        );
        Assert.Equal("conversation-row:1 row-without-text:2 unparsable-json:4", Counts(funnel.Dropped));
        Assert.Equal([5, 7, 8, 9, 10, 11], funnel.Broken.Select(b => b.Offset));
    }

    [Fact]
    public void A_line_too_long_is_passed_over_and_not_held()
    {
        var line = $"{{\"text\":\"{new string('x', 3 << 20)}\"}}\n";
        var (records, funnel) = WarcFile.Read(
            Encoding.UTF8.GetBytes($"{{\"text\":\"first\"}}\n{line}{{\"text\":\"last\"}}\n{line}"),
            "rows.jsonl",
            new ReadLimits(MaxRecordBytes: 1 << 20)
        );
        Assert.Equal(["first", "last"], records.Select(r => r.Text));
        Assert.Equal([2, 4], funnel.Broken.Select(b => b.Offset));
    }

    [Fact]
    public void Invalid_bytes_in_a_line_are_replaced_and_noted()
    {
        var (records, funnel) = WarcFile.Read([.. "{\"text\":\"caf"u8, 0xE9, .. "\"}"u8], "rows.jsonl");
        Assert.Equal("caf\uFFFD", Assert.Single(records).Text);
        Assert.Equal("bytes-replaced:1 not-utf8:1", Counts(funnel.Noted));
    }

    [Theory]
    [InlineData("rows.jsonl.gz", 1)]
    [InlineData("rows.jsonl.gz", 20)]
    [InlineData("rows.csv.gz", 1)]
    [InlineData("rows.jsonl.zst", 1)]
    public void A_truncated_file_of_rows_is_the_users_to_restore(string name, int missing)
    {
        var rows = Encoding.UTF8.GetBytes("text\n{\"text\":\"some words and others\"}\n");
        var bytes = name.EndsWith(".gz", StringComparison.Ordinal) ? WarcFile.Gzip(rows) : WarcFile.Zstd(rows);
        Assert.Contains(
            name,
            Assert.Throws<UserErrorException>(() => WarcFile.Read(bytes[..^missing], name)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "corrupt",
            Assert.Throws<UserErrorException>(() => WarcFile.Read("plain text"u8.ToArray(), name)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("rows.csv", ',')]
    [InlineData("rows.csv", ';')]
    public void Separated_values_give_their_columns(string name, char separator)
    {
        var rows = "id,Text,url\n1,\"One, \"\"old\"\"; stone.\nAnd more.\",https://stones.example/\n2,,\n3\n\"4\",Four stones.,\n"
            .Replace(',', separator)
            .Replace($"One{separator}", "One,", StringComparison.Ordinal);
        var (records, funnel) = WarcFile.Read(Encoding.UTF8.GetBytes(rows), name);
        Assert.Equal(
        [
            new SourceRecord("1", name, 1) { Text = "One, \"old\"; stone.\nAnd more.", Url = "https://stones.example/", Dump = "crawl" },
            new SourceRecord("4", name, 4) { Text = "Four stones.", Dump = "crawl" },
        ], records);
        Assert.Equal("row-malformed:1 row-without-text:1", Counts(funnel.Dropped));
    }

    [Fact]
    public void Separated_values_without_the_column_name_those_they_have() =>
        Assert.Contains(
            "name, words",
            Assert.Throws<UserErrorException>(() => WarcFile.Read("name,words\na,b\n"u8.ToArray(), "rows.csv")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Of_two_columns_of_one_name_the_first_counts() =>
        Assert.Equal(
            ["one", "three"],
            WarcFile.Read("TEXT,,text,,\none,,two,,\nthree,,,,\n"u8.ToArray(), "rows.csv").Records.Select(r => r.Text)
        );

    [Fact]
    public async Task Parquet_is_read_by_row_groups()
    {
        DataField<string> text = new("text"), url = new("url");
        DataField<long> id = new("id");
        DataField<DateTime?> date = new("date");
        DataField<double> score = new("score");
        using var output = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(score, text, id, url, date), output))
        {
            for (var g = 0; g < 3; g++)
            {
                using var group = writer.CreateRowGroup();
                await group.WriteAsync<double>(score, new[] { 0.5, 1 });
                await group.WriteAsync(text, new[] { $"Stone {g}.", g == 1 ? "" : $"More of {g}." });
                await group.WriteAsync<long>(id, new long[] { g, 10 + g });
                await group.WriteAsync(url, new string?[] { "https://stones.example/", null });
                await group.WriteAsync<DateTime>(date, new DateTime?[] { new DateTime(2024, 5, 18, 1, 2, 3, DateTimeKind.Utc), null });
            }
        }
        var (records, funnel) = WarcFile.Read(output.ToArray(), "rows.parquet");
        Assert.Equal(["Stone 0.", "More of 0.", "Stone 1.", "Stone 2.", "More of 2."], records.Select(r => r.Text));
        Assert.Equal(["0", "10", "1", "2", "12"], records.Select(r => r.Id));
        Assert.Equal(("https://stones.example/", "2024-05-18T01:02:03Z", 5L), (records[3].Url, records[3].Date, records[3].Offset));
        Assert.Equal(("", "", 6L), (records[4].Url, records[4].Date, records[4].Offset));
        Assert.Equal("row-without-text:1", Counts(funnel.Dropped));
    }

    [Fact]
    public async Task Parquet_of_another_schema_is_refused_by_the_columns_it_has()
    {
        DataField<string> words = new("words");
        DataField<int> text = new("text");
        var whole = await Table(words, g => g.WriteAsync(words, new[] { "a" }));
        Assert.Contains("it has words.", Refused(whole), StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single(WarcFile.Read(whole, "rows.parquet", new ReadLimits(TextField: "words")).Records).Text);
        Assert.Contains(
            "Int32",
            Refused(await Table(text, async g => await g.WriteAsync<int>(text, new[] { 1 }))),
            StringComparison.Ordinal
        );
        Assert.Contains("not a Parquet file", Refused(whole[..^20]), StringComparison.Ordinal);
        Assert.Contains("not a Parquet file", Refused("not parquet at all"u8.ToArray()), StringComparison.Ordinal);
    }

    private static string Refused(byte[] parquet)
    {
        void Read() => WarcFile.Read(parquet, "rows.parquet");
        return Assert.Throws<UserErrorException>(Read).Message;
    }

    [Fact]
    public void Whole_files_are_one_document_each()
    {
        Assert.Equal(
            new SourceRecord("note.txt", "note.txt", 0) { Text = "café", Dump = "crawl" },
            Assert.Single(WarcFile.Read([(byte)'c', (byte)'a', (byte)'f', 0xE9], "note.txt").Records)
        );
        Assert.Equal("# A\n", Assert.Single(WarcFile.Read("# A\n"u8.ToArray(), "note.md").Records).Text);
        Assert.Equal(
            "<p>",
            Encoding.UTF8.GetString(Assert.Single(WarcFile.Read(WarcFile.Gzip("<p>"u8.ToArray()), "page.html.gz").Records).Html!)
        );
        Assert.Equal(
            "record-too-big:1",
            Counts(WarcFile.Read(new byte[2000], "note.txt", new ReadLimits(MaxRecordBytes: 1000)).Funnel.Dropped)
        );
        Assert.Equal("empty-body:1", Counts(WarcFile.Read([], "note.txt").Funnel.Dropped));
    }

    [Fact]
    public void Documentation_of_a_program_is_a_document_for_each_type()
    {
        var record = Assert.Single(
            WarcFile
                .Read(
                    ("<doc><members><member name=\"T:Old.Stone\"><summary>A stone.</summary></member><member "u8
                        + "name=\"P:Old.Stone.Weight\"><summary>Its weight.</summary></member></members></doc>"u8).ToArray(),
                    "api.xml"
                )
                .Records
        );
        Assert.Equal(("api.xml#Old.Stone", "en"), (record.Id, record.Language));
        Assert.Contains("Its weight.", record.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_do_not_depend_on_the_order_of_the_inputs()
    {
        using var folder = new Fakes.TemporaryFolder();
        string[] inputs =
        [
            .. new[] { "b/same.txt", "a/same.txt", "c/same.txt", "c/same.txt~2.txt" }.Select(n => Path.Combine(folder.Path, n)),
        ];
        foreach (var input in inputs)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(input)!);
            File.WriteAllText(input, $"what {Path.GetRelativePath(folder.Path, input)[..1]} holds");
        }
        string Named(params string[] order) =>
            string.Join(' ', InputFiles.Find(order, new Funnel()).Select(f => $"{f.Name}={File.ReadAllText(f.Path)[5]}"));
        var named = Named(inputs);
        Assert.Equal(4, named.Split(' ').Select(n => n.Split('=')[0]).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(named, Named([.. inputs.Reverse()]));
        Assert.Equal(named, Named(inputs[2], inputs[0], inputs[3], inputs[1]));
        // A file named by itself and by its folder is one file of one name.
        var inside = Path.Combine(folder.Path, "a");
        Assert.Equal(Named(inside, inputs[1]), Named(inputs[1], inside));
        Assert.Single(InputFiles.Find([inside, inputs[1]], new Funnel()));
    }

    private static string Counts(IReadOnlyDictionary<string, long> counts) => string.Join(' ', counts.Select(c => $"{c.Key}:{c.Value}"));

    private static async Task<byte[]> Table(DataField field, Func<ParquetRowGroupWriter, Task> write)
    {
        using var output = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(field), output))
        {
            using var group = writer.CreateRowGroup();
            await write(group);
        }
        return output.ToArray();
    }
}
