using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class TextFilesTests
{
    [Fact]
    public void Folders_are_read_in_the_order_of_names_and_lines_of_jsonl_are_documents()
    {
        using var folder = new Samples.Folder();
        Directory.CreateDirectory(folder.File("below"));
        File.WriteAllText(folder.File("below/c.txt"), "third");
        File.WriteAllText(folder.File("b.jsonl"), "{\"text\":\"first\",\"id\":\"1\"}\n\n{\"text\":\"second\"}\n");
        File.WriteAllBytes(folder.File("picture.png"), [1, 2, 3]);
        Assert.Equal(["first", "second", "third"], TextFiles.Read(TextFiles.Find([folder.Path])).Select(text => text.Text));
    }

    [Fact]
    public void A_file_that_is_named_is_text_whatever_its_name()
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("corpus.en"), "some words");
        Assert.Equal("some words", Assert.Single(TextFiles.Read(TextFiles.Find([folder.File("corpus.en")]))).Text);
    }

    [Fact]
    public void What_cannot_be_read_is_named()
    {
        using var folder = new Samples.Folder();
        File.WriteAllBytes(folder.File("picture.png"), [1, 0, 2, 3]);
        Assert.Contains("NUL", Assert.Throws<UserErrorException>(() => TextFiles.Find([folder.File("picture.png")])).Message);
        File.Delete(folder.File("picture.png"));
        Assert.Contains("holds no text", Assert.Throws<UserErrorException>(() => TextFiles.Find([folder.Path])).Message);
        Assert.Contains("missing.txt", Assert.Throws<UserErrorException>(() => TextFiles.Find([folder.File("missing.txt")])).Message);
        File.WriteAllText(folder.File("a.jsonl"), "{\"text\":\"fine\"}\n{\"texts\":1}\n");
        Assert.Contains(
            "line 2",
            Assert.Throws<UserErrorException>(() => TextFiles.Read(TextFiles.Find([folder.File("a.jsonl")])).Count()).Message
        );
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_an_error_of_their_line()
    {
        using var folder = new Samples.Folder();
        File.WriteAllBytes(folder.File("a.txt"), [.. "fine\ncaf"u8, 0xE9, .. "\n"u8]);
        Assert.Contains(
            "line 2 is not valid UTF-8 (byte 0xE9 at column 4)",
            Assert.Throws<UserErrorException>(() => TextFiles.Read(TextFiles.Find([folder.File("a.txt")])).Count()).Message,
            StringComparison.Ordinal
        );
        var far = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("some words of a line\n", 70_000)));
        File.WriteAllBytes(folder.File("a.txt"), [.. far, 0xC3]);
        Assert.Contains(
            "line 70001 is not valid UTF-8 (byte 0xC3",
            Assert.Throws<UserErrorException>(() => TextFiles.Read(TextFiles.Find([folder.File("a.txt")])).Count()).Message,
            StringComparison.Ordinal
        );
        File.WriteAllBytes(folder.File("a.jsonl"), [.. "{\"text\":\"fine\"}\n{\"text\":\"caf"u8, 0xE9, .. "\"}\n"u8]);
        Assert.Contains(
            "line 2 is not valid UTF-8",
            Assert.Throws<UserErrorException>(() => TextFiles.Read(TextFiles.Find([folder.File("a.jsonl")])).Count()).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Byte_order_marks_are_skipped_and_compressed_files_are_read()
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("a.txt"), "words 다리", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        File.WriteAllText(folder.File("b.txt"), "words 다리", Encoding.Unicode);
        File.WriteAllText(folder.File("c.txt"), "words 다리", Encoding.BigEndianUnicode);
        using (
            var gzip = new System.IO.Compression.GZipStream(
                File.Create(folder.File("d.txt.gz")),
                System.IO.Compression.CompressionLevel.Fastest
            )
        )
            gzip.Write(Encoding.UTF8.GetBytes("words 다리"));
        using (
            var gzip = new System.IO.Compression.GZipStream(
                File.Create(folder.File("e.jsonl.gz")),
                System.IO.Compression.CompressionLevel.Fastest
            )
        )
            gzip.Write(Encoding.UTF8.GetBytes("{\"text\":\"words 다리\"}"));
        File.WriteAllBytes(folder.File("f.txt"), []);
        var tally = new DataTally("documents");
        Assert.Equal(Enumerable.Repeat("words 다리", 5), TextFiles.Read(TextFiles.Find([folder.Path]), tally).Select(text => text.Text));
        Assert.Equal("6 documents read, 5 used, 1 dropped (text-empty: 1, first f.txt)", tally.ToCounts().ToString());
    }

    [Fact]
    public void A_language_is_the_folder_or_the_name_of_a_file()
    {
        using var folder = new Samples.Folder();
        Directory.CreateDirectory(folder.File("sw/tales"));
        foreach (var name in (string[])["sw/tales/a.md", "kor_Hang.dev", "ref.deu.txt", "th.txt"])
            File.WriteAllText(folder.File(name), name);
        Assert.Equal(["kor_Hang", "deu", "sw", "th"], TextFiles.Find([folder.Path]).Select(file => file.Language));
        Assert.Equal(["kor_Hang", "tales"], TextFiles.Find([folder.File("kor_Hang.dev"), folder.File("sw")]).Select(file => file.Language));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("cl100k")]
    [InlineData("o200k")]
    [InlineData("deepseek-v3")]
    public void A_long_text_is_cut_where_no_piece_reaches_over(string name)
    {
        using var folder = new Samples.Folder();
        var random = new Random(3);
        string[] parts = ["word", "다리", "。", "\n", "\n\n", " ", "  ", "12", "it's", "\r\n", "/", "É"];
        var text = string.Concat(Enumerable.Range(0, 550_000).Select(_ => parts[random.Next(parts.Length)]));
        File.WriteAllText(folder.File("long.txt"), text);
        var blocks = TextFiles.Read(TextFiles.Find([folder.File("long.txt")])).Select(block => block.Text).ToArray();
        Assert.True(blocks.Length > 1);
        Assert.Equal(text, string.Concat(blocks));
        Assert.Equal(Pieces(name, text), blocks.SelectMany(block => Pieces(name, block)));
    }

    private static List<int> Pieces(string name, string text)
    {
        var ends = new List<int>();
        PreTokenizer.ByName(name)!.Split(Encoding.UTF8.GetBytes(text), ends);
        return [.. ends.Zip(ends.Prepend(0), (end, start) => end - start)];
    }
}
