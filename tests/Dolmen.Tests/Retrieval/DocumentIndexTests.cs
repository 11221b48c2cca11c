using Dolmen.Artifacts;
using Dolmen.Retrieval;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Retrieval;

public sealed class DocumentIndexTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly Passage[] Members =
    [
        new("T:System.String", "System.String", "Represents text as a sequence of UTF-16 code units.", "a.xml"),
        new(
            "M:System.String.Trim",
            "System.String.Trim()",
            "Removes all leading and trailing white-space characters from the current string.",
            "a.xml"
        ),
        new(
            "M:System.String.Trim(System.Char)",
            "System.String.Trim(Char trimChar)",
            "Removes all leading and trailing instances of a character.",
            "a.xml"
        ),
        new(
            "M:System.String.TrimEnd",
            "System.String.TrimEnd()",
            "Removes all the trailing white-space characters from the current string.",
            "a.xml"
        ),
        new(
            "M:System.MemoryExtensions.Trim",
            "System.MemoryExtensions.Trim(ReadOnlySpan<Char> span)",
            "Removes all leading and trailing white-space characters from a character span.",
            "b.xml"
        ),
        new(
            "M:System.Text.StringBuilder.Append(System.Char)",
            "System.Text.StringBuilder.Append(Char value)",
            "Appends the string representation of a character to this instance.",
            "b.xml"
        ),
        new(
            "M:System.Text.StringBuilder.Clear",
            "System.Text.StringBuilder.Clear()",
            "Removes all characters from the current instance.",
            "b.xml"
        ),
        new("M:System.String.#ctor", "new System.String(Char c, Int32 count)", "Initializes a new instance of the String class.", "a.xml"),
        new("M:System.Half.op_LessThan", "System.Half.operator <(Half left, Half right)", "Compares two values.", "b.xml"),
        new("M:System.Half.op_LessThanOrEqual", "System.Half.operator <=(Half left, Half right)", "Compares two values.", "b.xml"),
        new("M:L1.Add", "System.Collections.Generic.List<T>.Add(T item)", "Adds an object to the end of the list.", "c.xml"),
        new(
            "M:D.Add",
            "System.Collections.Generic.Dictionary<TKey, TValue>.Add(TKey key, TValue value)",
            "Adds the specified key and value to the dictionary.",
            "c.xml"
        ),
        new("guide.md#3", "Guide > Autovacuum", "A daemon that removes dead rows, so that tables stay small.", "guide.md"),
        new("guide.md#4", "Guide > Über uns", "Wir bauen Häuser aus Stein.", "guide.md"),
        new("guide.md#5", "手引き > 検索", "索引は文書を探すためのものです。", "guide.md"),
    ];

    private string Build(string name = "documents.sqlite", IEnumerable<Passage>? passages = null)
    {
        var file = Path.Combine(_folder.Path, name);
        DocumentIndex.Build(file, passages ?? Members);
        return file;
    }

    [Theory]
    [InlineData("What does `System.String.Trim()` do?", "M:System.String.Trim")]
    [InlineData("What is the parameter `trimChar` of `System.String.Trim(Char trimChar)`?", "M:System.String.Trim(System.Char)")]
    [InlineData("string.trim(char)", "M:System.String.Trim(System.Char)")]
    [InlineData("what does String.Trim do", "M:System.String.Trim")]
    [InlineData("Trim method of string", "M:System.String.Trim")]
    [InlineData("Which member of `System.String` removes trailing white-space characters?", "M:System.String.TrimEnd")]
    [InlineData("What does `new System.String(Char c, Int32 count)` do?", "M:System.String.#ctor")]
    [InlineData("the String constructor", "M:System.String.#ctor")]
    [InlineData("What does `System.Half.operator <=(Half left, Half right)` return?", "M:System.Half.op_LessThanOrEqual")]
    [InlineData("Explain System.String", "T:System.String")]
    [InlineData("string builder append", "M:System.Text.StringBuilder.Append(System.Char)")]
    [InlineData("List`1.Add", "M:L1.Add")]
    [InlineData("List<int>.Add(x)", "M:L1.Add")]
    [InlineData("how do I add a key to a dictionary", "M:D.Add")]
    [InlineData("what removes dead rows?", "guide.md#3")]
    [InlineData("uber", "guide.md#4")]
    [InlineData("HÄUSER", "guide.md#4")]
    [InlineData("文書を探す", "guide.md#5")]
    public void A_question_finds_its_passage_first(string question, string id)
    {
        using var index = DocumentIndex.Open(Build());
        var found = index.Search(question, 3);
        Assert.Equal(id, found[0].Passage.Id);
        Assert.Equal(found.OrderByDescending(f => f.Score).Select(f => f.Passage.Id), found.Select(f => f.Passage.Id));
    }

    [Fact]
    public void The_same_passages_give_the_same_bytes_and_nothing_lies_beside_them()
    {
        var first = Build("a.sqlite");
        var second = Build("b.sqlite");
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        using (var index = DocumentIndex.Open(first)) index.Search("string", 3);
        Assert.Equal(["a.sqlite", "b.sqlite"], Directory.GetFiles(_folder.Path).Select(f => Path.GetFileName(f)!).Order());
        File.Delete(first);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   \t\n")]
    [InlineData("?!… \"'()*^:-{}[]")]
    [InlineData("what is it?")]
    [InlineData("NEAR(a b) AND NOT title:x OR \"unclosed")]
    [InlineData("a\"b OR title : *")]
    [InlineData("\0\u0001\uFFFF")]
    [InlineData("\uD800 lone \uDC00 surrogates")]
    [InlineData("<<<<((((List<List<List<")]
    [InlineData("``1 a`999999999999 .a..b.")]
    [InlineData("नमस्ते दुनिया")]
    [InlineData("สวัสดีชาวโลก")]
    [InlineData("👩‍👩‍👧 emoji")]
    public void No_question_is_an_error(string question)
    {
        using var index = DocumentIndex.Open(Build());
        Assert.InRange(index.Search(question, 5).Count, 0, 5);
    }

    [Fact]
    public void A_question_of_a_hundred_thousand_characters_is_answered_from_its_ends()
    {
        using var index = DocumentIndex.Open(Build());
        var noise = string.Join(' ', Enumerable.Range(0, 20_000).Select(i => $"w{i}"));
        Assert.Equal("guide.md#3", index.Search($"autovacuum {noise}", 1)[0].Passage.Id);
        Assert.Equal("guide.md#3", index.Search($"{noise} autovacuum", 1)[0].Passage.Id);
        Assert.Empty(index.Search(new string('(', 100_000), 1));
        Assert.Empty(index.Search(new string('q', 100_000), 1));
    }

    [Fact]
    public async Task Many_threads_search_at_once()
    {
        using var index = DocumentIndex.Open(Build());
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => Enumerable.Range(0, 50).Select(_ => First()).Distinct().Single()))
        );
        Assert.Equal(["M:System.String.TrimEnd"], answers.Distinct());

        string First() => index.Search("String.TrimEnd", 1)[0].Passage.Id;
    }

    [Theory]
    [InlineData("a;Mode=Memory")]
    [InlineData("b#c")]
    [InlineData("d%3be%25")]
    [InlineData("f?g\"h'i")]
    public void A_folder_may_have_signs_in_its_name_that_mean_something_to_SQLite(string folder)
    {
        if (OperatingSystem.IsWindows() && folder.AsSpan().ContainsAny('?', '"')) return;            // no names of files there
        using var index = DocumentIndex.Open(Build(Path.Combine(folder, "documents.sqlite")));
        Assert.Equal(Members.Length, index.Count);
        Assert.Equal([Path.Combine(_folder.Path, folder)], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task What_was_opened_is_searched_although_the_file_is_built_anew()
    {
        if (OperatingSystem.IsWindows()) return;                                                     // an open file stays as it is there
        var file = Build();
        using var index = DocumentIndex.Open(file);
        Build(passages: [new Passage("other", "System.String.TrimEnd()", "Another text.", "d.xml")]);
        using var start = new Barrier(16);
        var found = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            return Enumerable.Range(0, 50).Select(_ => index.Search("String.TrimEnd", 1)[0].Passage.Id).Distinct().Single();
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(["M:System.String.TrimEnd"], found.Distinct());
    }

    [Fact]
    public void A_closed_index_is_not_searched()
    {
        var index = DocumentIndex.Open(Build());
        index.Dispose();
        Assert.Throws<ObjectDisposedException>(() => index.Search("String.Trim", 1));
    }

    [Theory]
    [InlineData("Foo(int[] x)", "foo(int32[])")]
    [InlineData("Foo(System.Int32[] x)", "foo(int32[])")]
    [InlineData("Foo(List<int>[] x)", "foo(list[])")]
    [InlineData("Foo(List<int[]> x)", "foo(list)")]
    [InlineData("Foo(params float[][] x, ref byte[,] y)", "foo(single[][],byte[,])")]
    public void An_array_is_called_by_what_it_holds(string text, string signature) =>
        Assert.Equal(signature, NamePath.Find(text, 1)[0].Signature());

    [Fact]
    public void An_empty_index_answers_nothing()
    {
        using var index = DocumentIndex.Open(Build(passages: []));
        Assert.Equal(0, index.Count);
        Assert.Empty(index.Search("anything", 3));
    }

    [Fact]
    public void Files_that_are_not_an_index_are_refused_with_a_way_out()
    {
        var missing = Path.Combine(_folder.Path, "none.sqlite");
        Refused(missing, "--no-documents");
        Refused(_folder.Path, "is a folder");

        var text = Path.Combine(_folder.Path, "text.sqlite");
        File.WriteAllText(text, "this is text, and more of it than a header of SQLite has: a hundred bytes, and then some more to be sure");
        Refused(text, "not a database");
        File.WriteAllBytes(text, []);
        Refused(text, "not an index");

        var foreign = Build("foreign.sqlite");
        var bytes = File.ReadAllBytes(foreign);
        bytes[68] ^= 1; // the application's id in SQLite's header
        File.WriteAllBytes(foreign, bytes);
        Refused(foreign, "not an index");
        Assert.False(File.Exists(missing));

        static void Refused(string file, string why) =>
            Assert.Contains(why, Assert.Throws<UserErrorException>(() => DocumentIndex.Open(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cut_or_overwritten_file_is_a_clear_error_wherever_it_is_damaged()
    {
        var file = Build();
        var whole = File.ReadAllBytes(file);
        var cut = Path.Combine(_folder.Path, "cut.sqlite");
        for (var length = 4096; length < whole.Length; length += 4096)
        {
            File.WriteAllBytes(cut, whole[..length]);
            Assert.Throws<UserErrorException>(() =>
            {
                using var index = DocumentIndex.Open(cut);
                index.Search("String.Trim", 3);
            });
        }
        for (var page = 1; page < whole.Length / 4096; page++)
        {
            var damaged = whole.ToArray();
            damaged.AsSpan(page * 4096, 4096).Fill(0xA5);
            File.WriteAllBytes(cut, damaged);
            try
            {
                using var index = DocumentIndex.Open(cut);
                index.Search("String.Trim", 3);
            }
            catch (UserErrorException e)
            {
                Assert.Contains("cut.sqlite", e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_passage_that_breaks_a_rule_leaves_no_file()
    {
        var file = Path.Combine(_folder.Path, "bad.sqlite");
        var tooLong = Members[0] with { Text = new string('x', Passage.MaxTextChars + 1) };
        Assert.Throws<UserErrorException>(() => DocumentIndex.Build(file, [Members[0], Members[0]]));
        Assert.Throws<UserErrorException>(() => DocumentIndex.Build(file, [Members[0] with { Id = "" }]));
        Assert.Throws<UserErrorException>(() => DocumentIndex.Build(file, [tooLong]));
        Assert.Throws<OperationCanceledException>(() => DocumentIndex.Build(file, Members, null, new CancellationToken(canceled: true)));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
