using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class BpeTrainerTests
{
    [Fact]
    public void Counting_as_it_goes_learns_the_same_merges_as_counting_anew_each_time() =>
        Gen.OneOf("a", "b", "c", "ab", "é", " ", " a", "\n").Array[1, 60].Select(parts => string.Concat(parts))
            .Array[1, 5].Sample(documents =>
        {
            if (documents.All(document => document.Length == 0)) return true;
            var learned = Samples.Train(documents, vocabSize: 283);
            return learned.Merges.Select(merge => (merge.Left, merge.Right))
                .SequenceEqual(LearnedByDefinition(learned, documents, merges: 20));
        }, iter: 100);

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

    private static List<(int, int)> LearnedByDefinition(BpeTokenizer bytes, string[] documents, int merges)
    {
        var words = documents.SelectMany(Words).ToList();
        var tokens = Enumerable.Range(0, 256).Select(id => bytes.BytesOf(id).ToArray()).ToList();
        var learned = new List<(int Left, int Right)>();
        while (learned.Count < merges)
        {
            var pairs = words.SelectMany(word => word.Zip(word.Skip(1))).CountBy(pair => pair)
                .Where(entry => entry.Value >= 2
                    && !tokens.Exists(token => token.AsSpan().SequenceEqual([.. tokens[entry.Key.First], .. tokens[entry.Key.Second]])))
                .OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key).ToArray();
            if (pairs.Length == 0) break;
            var (left, right) = pairs[0].Key;
            learned.Add((left, right));
            tokens.Add([.. tokens[left], .. tokens[right]]);
            foreach (var word in words)
            {
                for (var i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] != left || word[i + 1] != right) continue;
                    word[i] = tokens.Count - 1;
                    word.RemoveAt(i + 1);
                }
            }
        }
        return learned;

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
