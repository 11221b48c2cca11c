using System.IO.Compression;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Data;

namespace Dolmen.Tests.Data;

public class CorpusInputs
{
    [Fact]
    public void A_file_without_an_extension_is_counted_and_left_out()
    {
        using var fixture = new CorpusFixture()
            .File("LICENSE", "Do as you please.\n")
            .File("guide.md", "# Guide\n\nHow to raise a capstone on a mound of earth.\n");
        Assert.Equal(1, fixture.Build().Dropped["file-type-unknown"]);
    }

    [Fact]
    public void Markdown_headings_become_sections()
    {
        using var fixture = new CorpusFixture().File("guide.md", """
            # Guide
            The guide is about machines. And more.

            ## Install
            Run the installer on your machine. Then wait.

            ```sh
            # not a heading
            ```
            """);
        fixture.Build();
        Assert.Equal(
            "# Guide\nThe guide is about machines.\nAnd more.\n\n## Guide: Install\nRun the installer on your machine.\nThen wait.\n\n"
                + "```sh\n# not a heading\n```\n",
            fixture.Documents()
        );
    }

    [Fact]
    public void Web_pages_lose_scripts_and_navigation_and_keep_headings()
    {
        using var fixture = new CorpusFixture().File("page.html", """
            <html><head><title>t</title><style>p{}</style></head><body><nav>Home</nav><h1>Stones</h1><p>Old <b>stones</b> stand.</p>
            <script>alert(1)</script><h2>Capstones</h2><div>They lie on top of<br>others, <i>mostly</i>.</div></body></html>
            """);
        fixture.Build();
        Assert.Equal("# Stones\nOld stones stand.\n\n## Stones: Capstones\nThey lie on top of others, mostly.\n", fixture.Documents());
    }

    [Theory]
    [InlineData("rows.jsonl")]
    [InlineData("rows.jsonl.gz")]
    public void Json_lines_are_documents_and_other_rows_are_counted(string name)
    {
        var rows = Encoding.UTF8.GetBytes("""
            {"text":"The first document has words."}
            {"messages":[]}
            {"body":1}
            not json
            {"text":"The second document has others."}
            {"text":"The first document has words."}
            """);
        using var fixture = new CorpusFixture().File(name, name.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(rows) : rows);
        var report = fixture.Build();
        Assert.Equal(["The first document has words.\n", "The second document has others.\n"], CorpusText.ReadDocuments(fixture.Output));
        Assert.Equal(
            new Dictionary<string, long>
            {
                ["conversation-row"] = 1,
                ["duplicate"] = 1,
                ["row-without-text"] = 1,
                ["unparsable-json"] = 1,
            },
            report.Dropped
        );
    }

    [Fact]
    public void Documentation_comments_of_sources_become_entries()
    {
        using var fixture = new CorpusFixture().File("Stone.cs", """
            namespace Old.Stones;

            /// <summary>A stone.</summary>
            public sealed class Stone
            {
                /// <summary>Makes one.</summary>
                public Stone(int weight) { }

                /// <summary>Lifts it.</summary>
                /// <param name="height">How high.</param>
                [Obsolete]
                public static bool Lift<T>(T height,
                    int times = 1) => true;

                /// <summary>Its weight.</summary>
                public int Weight { get; }
            }
            """);
        fixture.Build();
        Assert.Equal("""
            # Old.Stones.Stone
            A stone.

            ## Old.Stones.Stone.Lift<T>(T height, int times = 1)
            Lifts it.
            Parameters:
            - height: How high.

            ## Old.Stones.Stone.Weight
            Its weight.

            ## new Old.Stones.Stone(int weight)
            Makes one.

            """.ReplaceLineEndings("\n"), fixture.Documents());
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_replaced_and_counted()
    {
        using var fixture = new CorpusFixture().File("latin.txt", [.. "A caf"u8, 0xE9, .. " in the old town of stones."u8]);
        Assert.Equal(1, fixture.Build().Noted["not-utf8"]);
        Assert.Equal("A caf\uFFFD in the old town of stones.\n", fixture.Documents());
    }

    [Fact]
    public void A_loop_of_links_ends()
    {
        using var fixture = new CorpusFixture().File("folder/note.txt", "A note that is long enough to be kept.");
        Directory.CreateSymbolicLink(Path.Combine(fixture.Input, "folder", "again"), fixture.Input);
        File.CreateSymbolicLink(Path.Combine(fixture.Input, "self.txt"), Path.Combine(fixture.Input, "self.txt"));
        Assert.Equal(1, fixture.Build().Files);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(8)]
    [InlineData(1)]
    public void A_truncated_gzip_stops_the_build_and_nothing_is_written(int missing)
    {
        var text = string.Join('\n', Enumerable.Range(0, 500).Select(i => $"{{\"text\":\"Document {StableHash.Of($"{i}")} has words.\"}}"));
        using var fixture = new CorpusFixture().File("rows.jsonl.gz", Gzip(Encoding.UTF8.GetBytes(text))[..^missing]);
        Assert.Contains("rows.jsonl.gz", Refused(fixture), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gzip_that_is_none_stops_the_build() =>
        Assert.Contains(
            "truncated or corrupt",
            Refused(new CorpusFixture().File("rows.jsonl.gz", "plain text"u8.ToArray())),
            StringComparison.Ordinal
        );

    [Fact]
    public void An_unreadable_file_stops_the_build()
    {
        using var fixture = new CorpusFixture()
            .File("a.txt", "Some words that are long enough.")
            .File("b.txt", "Other words that are long enough.");
        using var locked = new FileStream(Path.Combine(fixture.Input, "b.txt"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Contains("b.txt", Refused(fixture), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_input_stops_the_build() =>
        Assert.Contains("does not exist", Refused(new CorpusFixture()), StringComparison.Ordinal);

    [Fact]
    public void An_empty_folder_stops_the_build()
    {
        using var fixture = new CorpusFixture();
        Directory.CreateDirectory(fixture.Input);
        Assert.Contains("no file that can be read", Refused(fixture), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_without_words_stop_the_build() =>
        Assert.Contains("no text", Refused(new CorpusFixture().File("empty.txt", "").File("picture.png", "x")), StringComparison.Ordinal);

    [Fact]
    public void An_impossible_recipe_names_the_value()
    {
        using var fixture = new CorpusFixture().File("a.txt", "Some words that are long enough.");
        var error = Assert.Throws<UserErrorException>(() => fixture.Build(new CorpusRecipe(HeldOutFraction: 2, MaxConversations: -1)));
        Assert.Contains("heldOutFraction is 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("maxConversations is -1", error.Message, StringComparison.Ordinal);
    }

    private static string Refused(CorpusFixture fixture)
    {
        using (fixture)
        {
            var message = Assert.Throws<UserErrorException>(() => fixture.Build()).Message;
            Assert.False(Directory.Exists(fixture.Output));
            return message;
        }
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var result = new MemoryStream();
        using (var gzip = new GZipStream(result, CompressionLevel.Fastest)) gzip.Write(bytes);
        return result.ToArray();
    }
}
