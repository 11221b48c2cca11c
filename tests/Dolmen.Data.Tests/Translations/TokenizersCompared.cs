using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data.Translations;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Tests.Data.Translations;

public sealed class TokenizersCompared
{
    /// <summary>No merges: every byte is a token.</summary>
    private static readonly Tokenizer Bytes = Trained(BpeTokenizer.SmallestVocabSize, "x");

    [Fact]
    public void Every_figure_is_what_counting_by_hand_gives()
    {
        var text = Text(("en", "ab cd", "abcd"), ("ko", "가나 다", "가."));
        var costs = Compare(text, context: 100, price: 1.5).Tokenizers[0];
        Assert.Equal(BpeTokenizer.SmallestVocabSize, costs.VocabSize);
        Assert.Equal(["ko", "en"], costs.Languages.Select(cost => cost.Language));
        var korean = costs.Languages[0];                                 // 10 and 4 bytes beside 5 and 4
        Assert.Equal(2, korean.Sentences);
        Assert.Equal(14, korean.Tokens);
        Assert.Equal(7, korean.MeanTokens);
        Assert.Equal(7, korean.MedianTokens);
        Assert.Equal(4 + 0.95 * 6, korean.P95Tokens, 9);
        Assert.Equal(14, korean.Bytes);
        Assert.Equal(6, korean.Characters);
        Assert.Equal(3, korean.Words);                                   // punctuation is not a word
        Assert.Equal(1, korean.TokensPerByte);
        Assert.Equal(1, korean.BytesPerToken);
        Assert.Equal(14.0 / 6, korean.TokensPerCharacter, 9);
        Assert.Equal(14.0 / 3, korean.TokensPerWord, 9);
        Assert.Equal(14.0 / 9, korean.Premium, 9);
        Assert.Equal((10.0 / 5 + 4.0 / 4) / 2, korean.MeanPremium, 9);
        Assert.Equal(16, korean.RunningTokens);                          // a space between sentences, one for the last line break
        Assert.Equal(16.0 / 11, korean.RunningPremium, 9);
        Assert.Equal(12.0 / 14, korean.ByteTokens, 9);
        Assert.Equal(12.0 / 14, korean.FragmentTokens, 9);
        Assert.Equal(0, korean.UnknownTokens);
        Assert.Equal(4.0 / 6, korean.SplitCharacters, 9);
        Assert.Equal(4.0 / 6, korean.SplitGraphemes, 9);
        Assert.Equal(100.0 / 7, korean.SentencesInContext, 9);
        Assert.Equal(0.0105, korean.PricePer1000, 9);
        Assert.Equal(1, korean.MedianSentence);
        var english = costs.Languages[1];
        Assert.Equal((1.0, 1.0, 1.0, 0.0), (english.Premium, english.MeanPremium, english.RunningPremium, english.ByteTokens));
    }

    [Fact]
    public void Merged_bytes_split_fewer_characters_and_a_letter_parted_from_its_accent_is_a_split_grapheme()
    {
        // The corpus teaches the two bytes of é and of the combining accent.
        var tokenizer = Trained(BpeTokenizer.SmallestVocabSize + 2, "\u00E9 \u00E9 \u0301 \u0301");
        var costs = Compare(Text(("en", "e"), ("xx", "e\u0301"), ("yy", "\u00E9"), ("zz", "\u00E8")), tokenizer)
            .Tokenizers[0]
            .Languages.ToDictionary(cost => cost.Language, StringComparer.Ordinal);
        Assert.Equal((0.0, 1.0), (costs["xx"].SplitCharacters, costs["xx"].SplitGraphemes));
        Assert.Equal((0.0, 0.0), (costs["yy"].SplitCharacters, costs["yy"].SplitGraphemes));
        Assert.Equal((1.0, 1.0), (costs["zz"].SplitCharacters, costs["zz"].SplitGraphemes));
        Assert.Equal(1, costs["yy"].Tokens);
    }

    [Fact]
    public void Sentences_that_one_side_lacks_are_left_out_on_both()
    {
        var costs = Compare(Text(("en", "ab", "", "abcd"), ("ko", "가", "나", " ")))
            .Tokenizers[0]
            .Languages.ToDictionary(cost => cost.Language, StringComparer.Ordinal);
        Assert.Equal((1, 3L, 1.5), (costs["ko"].Sentences, costs["ko"].Tokens, costs["ko"].Premium));
        Assert.Equal((2, 6L), (costs["en"].Sentences, costs["en"].Tokens));
        Assert.Contains(
            "share no sentence",
            Assert.Throws<UserErrorException>(() => Compare(Text(("en", "ab", ""), ("ko", "", "나")))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Words_of_scripts_without_spaces_are_counted_too()
    {
        var costs = Compare(Text(("en", "the quick fox"), ("zho_Hans", "人类家庭所有成员"), ("tha_Thai", "มนุษย์ทั้งหลายเกิดมามีอิสระ")))
            .Tokenizers[0]
            .Languages;
        Assert.All(costs, cost => Assert.InRange(cost.Words, 3, 12));
    }

    [Fact]
    public void Threads_change_nothing()
    {
        var random = new Random(5);
        var text = new ParallelText(
            "lines",
            [
                .. Enumerable
                    .Range(0, 7)
                    .Select(l =>
                        Language(
                            $"l{l}",
                            [
                                .. Enumerable
                                    .Range(0, 50)
                                    .Select(_ => new string([
                                        .. Enumerable.Range(0, 1 + random.Next(30)).Select(_ => (char)(0x60 + l * 900 + random.Next(20))),
                                    ])),
                            ]
                        )
                    ),
            ],
            ComparedWords.Cut
        );
        var tokenizer = Trained(400, [.. text.Languages.SelectMany(language => language.Sentences)]);
        var settings = new ComparisonSettings("l0", Missing: "l3");
        string Json(int threads) =>
            JsonSerializer.Serialize(
                TokenizerComparison.Run(
                    text,
                    [new("a", tokenizer), new("b", Bytes)],
                    settings,
                    new Progress<StageProgress>(),
                    threads: threads
                ),
                ComparisonJson.Default.Comparison
            );
        Assert.Equal(Json(1), Json(8));
    }

    [Fact]
    public void A_vocabulary_lacks_the_merges_that_would_be_learned_next_and_words_by_what_they_would_save()
    {
        var missing = Compare(Text(("en", "abab abab")), missing: "en").Tokenizers[0].Missing!;
        Assert.Equal(9, missing.Tokens);
        Assert.Equal(
            [("a", "b", "ab", 4L), ("ab", "ab", "abab", 2L)],
            missing.Merges.Select(merge => (merge.Left, merge.Right, merge.Token, merge.Saved))
        );
        Assert.Equal(3, missing.TokensAfter);
        Assert.Equal(
            [(" abab", 1L, 5, 4L), ("abab", 1L, 4, 3L)],
            missing.Words.Select(word => (word.Word, word.Count, word.Tokens, word.Saved))
        );
        Assert.Equal(["a", "b", "a", "b"], missing.Words[1].Pieces);
    }

    [Fact]
    public void Merges_that_a_vocabulary_lacks_are_those_that_training_learns()
    {
        string[] corpus = ["the cat sat on the mat", "the rat sat", "that hat"];
        var learned = Trained(BpeTokenizer.SmallestVocabSize + 8, corpus);
        var lacking = Compare(Text(("en", corpus)), missing: "en").Tokenizers[0].Missing!;
        Assert.Equal(
            learned.Merges.Select(merge => TokenText.Of(learned.BytesOf(merge.Result))),
            lacking.Merges.Take(8).Select(merge => merge.Token)
        );
        Assert.Equal(corpus.Sum(line => learned.Encode(line).Length), lacking.Tokens - lacking.Merges.Take(8).Sum(merge => merge.Saved));
    }

    [Fact]
    public void Unknown_and_byte_tokens_of_sentencepiece_vocabularies_are_counted_and_the_space_before_a_text_is_no_part_of_it()
    {
        string[] pieces = ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "\u2581a"];
        PieceKind[] kinds = [PieceKind.Unknown, PieceKind.Control, PieceKind.Control, .. Enumerable.Repeat(PieceKind.Normal, 4)];
        var tokenizer = SentencePieceBpeTokenizer.FromScores(new SentencePieceVocabulary(pieces, [0, 0, 0, -1, -2, -3, -4], kinds));
        var costs = Compare(Text(("en", "ab"), ("xx", "a ab?")), tokenizer, missing: "xx").Tokenizers[0];
        var unknown = costs.Languages.Single(cost => cost.Language == "xx");         // ▁a ▁a b <unk>
        Assert.Equal((4L, 0.25, 0.0, 2.0), (unknown.Tokens, unknown.UnknownTokens, unknown.FragmentTokens, unknown.Premium));
        Assert.Equal(0, costs.Languages.Single(cost => cost.Language == "en").SplitGraphemes);
        Assert.Equal((4L, 4L), (costs.Missing!.Tokens, costs.Missing.TokensAfter));      // no pair within a word occurs twice
    }

    [Fact]
    public void Wrong_settings_are_told()
    {
        var text = Text(("en", "a"));
        Assert.Contains("--context", Refused(() => Compare(text, context: 0)), StringComparison.Ordinal);
        Assert.Contains("--price", Refused(() => Compare(text, price: -1)), StringComparison.Ordinal);
        Assert.Contains("--missing names xx", Refused(() => Compare(text, missing: "xx")), StringComparison.Ordinal);
        Assert.Contains(
            "2 times",
            Refused(() =>
                TokenizerComparison.Run(
                    text,
                    [new("a", Bytes), new("a", Bytes)],
                    new ComparisonSettings("en"),
                    new Progress<StageProgress>()
                )
            ),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Measured_seconds_are_those_of_the_median_sentence()
    {
        var comparison = TokenizerComparison.Run(
            Text(("en", "abc", "a", "ab"), ("ko", "가", "가나", "가나다")),
            [new("a", Bytes)],
            new ComparisonSettings("en"),
            new Progress<StageProgress>(),
            time: (_, tokens) => new SentenceSeconds(tokens.Length, tokens.Length / 1000.0, tokens.Length / 100.0)
        );
        Assert.Equal(
            [(6, 0.006), (2, 0.002)],
            comparison.Tokenizers[0].Languages.Select(cost => (cost.Measured!.Tokens, cost.Measured.Prefill))
        );
    }

    [Fact]
    public void Report_files_hold_every_language_and_escape_what_others_wrote()
    {
        using var folder = new TemporaryFolder();
        var text = new ParallelText(
            "udhr",
            [Language("en", ["ab"], "<English>"), Language("k|o", ["가"], "<script>alert(1)</script>")],
            ComparedWords.Cut
        );
        var comparison = TokenizerComparison.Run(
            text,
            [new("some/<b>", Bytes), new("other", Bytes)],
            new ComparisonSettings("en", Missing: "k|o"),
            new Progress<StageProgress>()
        );
        ComparisonReport.Write(comparison, folder.Path);
        var page = folder.Read(ComparisonReport.PageFile);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("<svg").Length - 1);
        Assert.Contains("k\\|o", folder.Read(ComparisonReport.MarkdownFile), StringComparison.Ordinal);
        Assert.Contains("<title>k|o: 1.50", folder.Read("premium-1--b-.svg"), StringComparison.Ordinal);
        Assert.Contains("premium-2-other.svg", folder.Read(ComparisonReport.MarkdownFile), StringComparison.Ordinal);
        Assert.Contains("\"premium\":1.5", folder.Read(ComparisonReport.JsonFile), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_of_tokens_runs_nothing_and_names_ids_and_bytes()
    {
        var page = TokenPage.Html("<i>", TokenView.Of(Bytes, "<script>한\n"));
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<i>", page, StringComparison.Ordinal);
        Assert.Contains("ED\">\\xED</span>", page, StringComparison.Ordinal);
        Assert.Contains("0A\">\\n</span><br>", page, StringComparison.Ordinal);
    }

    private static string Refused(Action compare) => Assert.Throws<UserErrorException>(compare).Message;

    private static Comparison Compare(
        ParallelText text,
        Tokenizer? tokenizer = null,
        int context = 4096,
        double price = 1.5,
        string? missing = null
    ) =>
        TokenizerComparison.Run(
            text,
            [new NamedTokenizer("bytes", tokenizer ?? Bytes)],
            new ComparisonSettings("en", context, price, missing),
            new Progress<StageProgress>()
        );

    private static ParallelText Text(params (string Code, string[] Sentences)[] languages) =>
        new("lines", [.. languages.Select(language => Language(language.Code, language.Sentences))], ComparedWords.Cut);

    private static ParallelText Text(params (string Code, string First, string Second)[] languages) =>
        Text([.. languages.Select(l => (l.Code, (string[])[l.First, l.Second]))]);

    private static ParallelText Text(params (string Code, string First, string Second, string Third)[] languages) =>
        Text([.. languages.Select(l => (l.Code, (string[])[l.First, l.Second, l.Third]))]);

    private static ParallelText Text(params (string Code, string Only)[] languages) =>
        Text([.. languages.Select(l => (l.Code, (string[])[l.Only]))]);

    private static LanguageText Language(string code, string[] sentences, string name = "") =>
        new(code, name, sentences, [(sentences.Length, true)]);

    private static BpeTokenizer Trained(int size, params string[] corpus) =>
        BpeTrainer.Train(corpus, new TokenizerRecipe(size), new Progress<StageProgress>(), CancellationToken.None);
}
