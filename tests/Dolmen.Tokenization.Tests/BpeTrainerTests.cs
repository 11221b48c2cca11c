using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class BpeTrainerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Counting_as_it_goes_learns_the_same_merges_as_counting_anew_each_time(bool tiesByBytes) =>
        Gen.OneOf("a", "b", "c", "ab", "é", " ", " a", "\n", "aaa", "--").Array[1, 60].Select(parts => string.Concat(parts))
            .Array[1, 5].Sample(documents =>
        {
            if (documents.All(document => document.Length == 0)) return true;
            var recipe = new TokenizerRecipe(VocabSize: 293, TiesByBytes: tiesByBytes);
            var learned = Train([.. documents.Select(text => new TrainingText(text))], recipe);
            return learned.Merges.Select(merge => (merge.Left, merge.Right))
                .SequenceEqual(LearnedByDefinition(learned, documents, tokens: 30, tiesByBytes));
        }, iter: 200);

    [Fact]
    public void Hugging_Face_learns_the_same_merges()
    {
        var lines = File.ReadAllText(Path.Combine(Samples.Goldens, "mill.txt"))
            .Split('\n')[..^1]
            .Select(line => new TrainingText(line + '\n'));
        var merges = Train([.. lines], new TokenizerRecipe(MinPairCount: 1)).ToTexts().Merges;
        Assert.Equal(File.ReadAllLines(Path.Combine(Samples.Goldens, "huggingface-merges.txt")), merges);
    }

    [Fact]
    public void Words_that_memory_cannot_hold_come_back_from_disk_and_what_does_not_fit_is_left_out_by_count()
    {
        static string Word(int number) => " w" + string.Concat($"{number}".Select(digit => (char)('a' + digit - '0')));
        var random = new Random(5);
        var words = Enumerable.Range(0, 60_000).Select(_ => random.Next(40_000)).ToArray();
        var texts = words.Select(word => new TrainingText(Word(word))).ToArray();
        var recipe = new TokenizerRecipe(VocabSize: 600);
        var expected = BpeTrainer.Train(texts, recipe, Samples.NoProgress.Instance, CancellationToken.None, threads: 1);
        var spilled = BpeTrainer.Train(
            texts.Reverse(),
            recipe with
            {
                MemoryMegabytes = 16,
            },
            Samples.NoProgress.Instance,
            CancellationToken.None,
            threads: 16
        );
        Assert.Equal(0, spilled.Corpus.DroppedWords);
        Assert.Equal(expected.Corpus.Words, spilled.Corpus.Words);
        Assert.Equal(expected.Tokenizer.Merges, spilled.Tokenizer.Merges);

        var many = Enumerable.Range(0, 90_000).Select(word => new TrainingText(word < 100 ? Word(word) + Word(word) : Word(word)));
        var pruned = BpeTrainer.Train(
            many,
            recipe with
            {
                MemoryMegabytes = 16,
            },
            Samples.NoProgress.Instance,
            CancellationToken.None,
            threads: 16
        );
        Assert.Equal((100, 89_900), (pruned.Corpus.Words, (int)pruned.Corpus.DroppedWords));
    }

    [Fact]
    public void Balance_raises_the_language_with_less_text()
    {
        TrainingText[] texts =
        [
            .. Enumerable.Repeat(new TrainingText("high hills", "en"), 50),
            .. Enumerable.Repeat(new TrainingText("언덕", "ko"), 3),
        ];
        var plain = BpeTrainer.Train(texts, new TokenizerRecipe(270, Balance: 1), Samples.NoProgress.Instance, CancellationToken.None);
        var balanced = BpeTrainer.Train(texts, new TokenizerRecipe(270, Balance: 0), Samples.NoProgress.Instance, CancellationToken.None);
        Assert.Equal(6, plain.Tokenizer.Encode("언덕").Length);
        Assert.True(balanced.Tokenizer.Encode("언덕").Length < 3);
        Assert.Equal(["en", "ko"], balanced.Corpus.Languages.Select(language => language.Name));
        Assert.Equal(500.0 / 18, balanced.Corpus.Languages[1].Weight, 6);
        Assert.Equal(
            plain.Tokenizer.Merges,
            BpeTrainer.Train(texts, new TokenizerRecipe(270), Samples.NoProgress.Instance, CancellationToken.None).Tokenizer.Merges
        );
    }

    [Fact]
    public void Names_of_special_tokens_cut_the_text_and_are_not_learned()
    {
        var recipe = new TokenizerRecipe(400, SpecialTokens: ["<|endoftext|>", "<|end"]);
        var tokenizer = Train([new TrainingText("ab<|endoftext|>cd<|end ab<|endoftext|>cd")], recipe);
        Assert.Equal(["a b", "c d"], tokenizer.ToTexts().Merges);
        Assert.Equal("<|end", tokenizer.ToTexts().Tokens[^1]);
        Assert.Equal(256 + 2 + 7 + 1, tokenizer.VocabSize);              // <|endoftext|> is there already
        Assert.Equal([tokenizer.Special.Eos], tokenizer.Encode("<|endoftext|>", parseSpecial: true));
    }

    [Fact]
    public void Extending_keeps_the_old_ids_and_learns_from_the_new_text()
    {
        var old = Samples.Tokenizer;
        TrainingText[] texts = [.. Enumerable.Repeat(new TrainingText("방앗간이 돌고 돌아 방앗간 주인은 돌을 센다<|note|>"), 4)];
        var recipe = new TokenizerRecipe(old.VocabSize + 30, SpecialTokens: ["<|note|>"]);
        var grown = BpeTrainer.Extend(old, texts, recipe, Samples.NoProgress.Instance, CancellationToken.None).Tokenizer;
        Assert.Equal(old.VocabSize + 30, grown.VocabSize);
        Assert.All(Enumerable.Range(0, old.VocabSize), id => Assert.Equal(old.BytesOf(id), grown.BytesOf(id)));
        Assert.Equal(old.Merges, grown.Merges.Take(old.Merges.Count));
        Assert.Equal(29, grown.Merges.Count - old.Merges.Count);
        Assert.Equal(old.Special, grown.Special);
        Assert.Equal([old.VocabSize + 29], grown.Encode("<|note|>", parseSpecial: true));
        Assert.True(grown.Encode("방앗간 주인은").Length < old.Encode("방앗간 주인은").Length / 2);
        Assert.Equal(old.Encode("Everyone has the right"), grown.Encode("Everyone has the right"));
        Assert.Throws<UserErrorException>(() =>
            BpeTrainer.Extend(old, texts, recipe with { VocabSize = old.VocabSize }, Samples.NoProgress.Instance, CancellationToken.None));
    }

    [Fact]
    public void Settings_bound_digits_and_the_length_of_tokens()
    {
        TrainingText[] texts = [.. Enumerable.Repeat(new TrainingText("1234567890 lengthening"), 5)];
        byte[][] Tokens(TokenizerRecipe recipe) =>
            [.. Train(texts, recipe).Merges.Select(merge => Train(texts, recipe).BytesOf(merge.Result).ToArray())];
        Assert.Equal(4, Tokens(new TokenizerRecipe(MaxTokenBytes: 4)).Max(token => token.Length));
        Assert.Equal(
            2,
            Tokens(new TokenizerRecipe(Digits: 2)).Where(token => char.IsAsciiDigit((char)token[0])).Max(token => token.Length)
        );
        Assert.DoesNotContain(Tokens(new TokenizerRecipe(Digits: 1)), token => char.IsAsciiDigit((char)token[0]));
        Assert.Throws<UserErrorException>(() => Train(texts, new TokenizerRecipe(PreTokenizer: "gpt2", Digits: 2)));
    }

    [Fact]
    public void Neither_threads_nor_the_order_of_documents_leave_a_trace()
    {
        var expected = Samples.Train(Samples.Texts, 800, threads: 1).Merges;
        Assert.Equal(expected, Samples.Train(Samples.Texts.Reverse(), 800, threads: 4).Merges);
    }

    [Fact]
    public void The_same_text_gives_the_golden_file()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Train(Samples.Texts, 800), folder.Path);
        Assert.Equal(File.ReadAllText(Path.Combine(Samples.Goldens, "tokenizer.json")), File.ReadAllText(folder.File("tokenizer.json")));
    }

    [Fact]
    public void Special_tokens_come_last()
    {
        var tokenizer = Samples.Train(["aaaa aaaa"], 300);
        Assert.Equal(SpecialTokens.Names,
            Enumerable.Range(tokenizer.VocabSize - 7, 7).Select(id => Encoding.UTF8.GetString(tokenizer.BytesOf(id))));
        Assert.Equal(tokenizer.VocabSize - 1, tokenizer.Special.End);
    }

    [Fact]
    public void A_small_corpus_gives_fewer_merges_and_says_so()
    {
        var reports = new Reports();
        var tokenizer = BpeTrainer.Train(["abab"], new TokenizerRecipe(4096), reports, CancellationToken.None);
        Assert.Single(tokenizer.Merges);                                 // "ab" occurs twice, "abab" once
        Assert.Equal(256 + 1 + 7, tokenizer.VocabSize);
        Assert.Contains("1 of 3833 merges", reports.Last.Detail);
    }

    [Fact]
    public void Impossible_sizes_and_an_empty_corpus_are_the_users_errors()
    {
        Assert.Contains("262", Assert.Throws<UserErrorException>(() => Samples.Train(["text"], 262)).Message);
        Assert.Throws<UserErrorException>(() => Samples.Train(["text"], int.MaxValue));
        Assert.Throws<UserErrorException>(() => Samples.Train([], 4096));
    }

    [Fact]
    public void What_reading_a_document_throws_comes_out_unchanged()
    {
        static IEnumerable<string> Documents()
        {
            yield return "one";
            throw new UserErrorException("the second is damaged");
        }
        Assert.Equal("the second is damaged", Assert.Throws<UserErrorException>(() => Samples.Train(Documents(), 300)).Message);
    }

    [Fact]
    public void Cancelling_stops_it()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            BpeTrainer.Train(["text"], new TokenizerRecipe(), Samples.NoProgress.Instance, stop.Token));
    }

    private static BpeTokenizer Train(TrainingText[] texts, TokenizerRecipe recipe) =>
        BpeTrainer.Train(texts, recipe, Samples.NoProgress.Instance, CancellationToken.None).Tokenizer;

    /// <summary>A token is its bytes: two pairs that make the same bytes make the same token.</summary>
    private static List<(int, int)> LearnedByDefinition(BpeTokenizer bytes, string[] documents, int tokens, bool tiesByBytes)
    {
        var words = documents.SelectMany(Words).ToList();
        var known = Enumerable.Range(0, 256).Select(id => bytes.BytesOf(id).ToArray()).ToList();
        var learned = new List<(int Left, int Right)>();
        while (known.Count < 256 + tokens)
        {
            var pairs = words.SelectMany(word => word.Zip(word.Skip(1))).CountBy(pair => pair).Where(entry => entry.Value >= 2)
                .OrderByDescending(entry => entry.Value).ToArray();
            if (pairs.Length == 0) break;
            var best = pairs.TakeWhile(entry => entry.Value == pairs[0].Value).Select(entry => entry.Key);
            var (left, right) = tiesByBytes
                ? best.Aggregate((a, b) => Later(a, b) ? a : b)
                : best.Min();
            if (!learned.Contains((left, right))) learned.Add((left, right));
            byte[] joined = [.. known[left], .. known[right]];
            var result = known.FindIndex(token => token.AsSpan().SequenceEqual(joined));
            if (result < 0)
            {
                result = known.Count;
                known.Add(joined);
            }
            foreach (var word in words)
            {
                for (var i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] != left || word[i + 1] != right) continue;
                    word[i] = result;
                    word.RemoveAt(i + 1);
                }
            }
        }
        return learned;

        bool Later((int First, int Second) a, (int First, int Second) b) =>
            known[a.First].AsSpan().SequenceCompareTo(known[b.First]) is var byLeft && byLeft != 0
                ? byLeft > 0 : known[a.Second].AsSpan().SequenceCompareTo(known[b.Second]) > 0;

        IEnumerable<List<int>> Words(string document)
        {
            var text = Encoding.UTF8.GetBytes(document);
            var ends = new List<int>();
            PreTokenizer.O200k.Split(text, ends);
            var at = 0;
            foreach (var end in ends)
            {
                yield return [.. text[at..end].Select(value => bytes.EncodeBytes([value])[0])];
                at = end;
            }
        }
    }

    private sealed class Reports : IProgress<StageProgress>
    {
        public StageProgress Last { get; private set; }

        public void Report(StageProgress value) => Last = value;
    }
}
