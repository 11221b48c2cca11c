using Dolmen.Data.Deduplication;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Deduplication;

public class RepeatedText
{
    private static PriorityKey Key(int i) => new((ulong)i, 0);

    [Fact]
    public void A_repeated_line_stays_in_the_document_that_stays_first()
    {
        using var folder = new TemporaryFolder();
        const string menu = "Home | About | Contact | Terms and conditions";
        string[] texts = [$"one\n{menu}  \nend", $"{menu}\ntwo", $"three\n  {menu}"];
        using var lines = new RepeatedLines(folder.Path, 1 << 16);
        for (var i = 0; i < 3; i++) lines.Add(i, Key(3 - i), texts[i]);
        var cuts = lines.Repeated().ToLookup(r => r.Ordinal);
        Assert.Equal(
            ["one\nend", "two", texts[2]],
            texts.Select((t, i) => CutRange.Cut(t, [.. cuts[i].Select(c => new CutRange(c.Ordinal, c.Start, c.End, CutKind.Line))]))
        );
    }

    [Fact]
    public void Lines_shorter_than_the_limit_are_left_alone()
    {
        Assert.Empty(Cuts(29));
        Assert.Single(Cuts(30));

        static List<TextRange> Cuts(int length)
        {
            using var folder = new TemporaryFolder();
            using var lines = new RepeatedLines(folder.Path, 1 << 16);
            lines.Add(0, Key(0), new string('x', length));
            lines.Add(1, Key(1), new string('x', length));
            return [.. lines.Repeated()];
        }
    }

    [Theory]
    [InlineData(1 << 12)]
    [InlineData(1 << 24)]
    public void Repeated_passages_are_those_a_quadratic_search_finds(int memory)
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var documents = Enumerable
                .Range(0, 4)
                .Select(_ => Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(seed % 3 == 0 ? 1 : 3)).ToArray())
                .ToArray();
            using var folder = new TemporaryFolder();
            using var passages = new ExactSubstrings(folder.Path, memory, 5);
            for (var d = 3; d >= 0; d--) passages.Add(d, Key(d), string.Join(' ', documents[d].Select(w => (char)('a' + w))));
            var cut = documents.Select(d => new bool[d.Length]).ToArray();
            foreach (var range in passages.Repeated())
                for (var c = range.Start; c < range.End; c++)
                    if (c % 2 == 0) cut[range.Ordinal][c / 2] = true;
            Assert.Equal(Naive(documents, 5), cut);
        }
    }

    /// <summary>What is cut is, word for word, what a suffix array over the whole corpus finds: neighbours in it whose common prefix is
    /// long enough.</summary>
    [Fact]
    public void Repeated_passages_are_those_a_suffix_array_finds()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var least = random.Next(2, 9);
            var documents = Enumerable
                .Range(0, random.Next(1, 6))
                .Select(_ => Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(1 + (seed % 4))).ToArray())
                .ToArray();
            using var folder = new TemporaryFolder();
            using var passages = new ExactSubstrings(folder.Path, 1 << 14, least);
            for (var d = 0; d < documents.Length; d++)
                passages.Add(
                    d,
                    Key(d),
                    string.Join(" - ", documents[d].Select(w => seed % 2 == 0 ? $"{(char)('a' + w)}" : $"{(char)('A' + w)}!"))
                );
            var width = seed % 2 == 0 ? 4 : 5;
            var cut = documents.Select(d => new bool[d.Length]).ToArray();
            foreach (var range in passages.Repeated())
                for (var word = (range.Start + width - 1) / width; word * width < range.End; word++) cut[range.Ordinal][word] = true;
            Assert.Equal(BySuffixArray(documents, least), cut);
        }
    }

    private static bool[][] BySuffixArray(int[][] documents, int length)
    {
        // Every document ends with a sign of its own, which no common prefix goes past.
        var text = documents.SelectMany((words, d) => words.Append(-1 - d)).ToArray();
        var places = documents
            .SelectMany((words, d) => Enumerable.Range(0, words.Length + 1).Select(at => (Document: d, At: at)))
            .ToArray();
        var suffixes = Enumerable
            .Range(0, text.Length)
            .Order(Comparer<int>.Create((a, b) => text.AsSpan(a).SequenceCompareTo(text.AsSpan(b))))
            .ToArray();
        var (cut, stays) = (documents.Select(d => new bool[d.Length]).ToArray(), documents.Select(d => new bool[d.Length]).ToArray());
        for (var start = 0; start < suffixes.Length;)
        {
            var end = start + 1;
            while (end < suffixes.Length && text.AsSpan(suffixes[end - 1]).CommonPrefixLength(text.AsSpan(suffixes[end])) >= length) end++;
            if (end > start + 1)
            {
                var first = suffixes[start..end].Min();
                foreach (var suffix in suffixes[start..end])
                    (suffix == first ? stays : cut)[places[suffix].Document].AsSpan(places[suffix].At, length).Fill(true);
            }
            start = end;
        }
        return [.. cut.Select((d, n) => d.Select((c, p) => c && !stays[n][p]).ToArray())];
    }

    private static bool[][] Naive(int[][] documents, int length)
    {
        var windows = documents
            .SelectMany((d, n) => Enumerable.Range(0, Math.Max(0, d.Length - length + 1)).Select(p => (Document: n, Place: p)))
            .ToArray();
        var cut = documents.Select(d => new bool[d.Length]).ToArray();
        var stays = documents.Select(d => new bool[d.Length]).ToArray();
        for (var i = 0; i < windows.Length; i++)
        {
            var equal = windows.Where(w => Of(w).SequenceEqual(Of(windows[i]))).ToArray();
            if (equal.Length == 1) continue;
            var marks = equal[0] == windows[i] ? stays : cut;
            marks[windows[i].Document].AsSpan(windows[i].Place, length).Fill(true);
        }
        return [.. cut.Select((d, n) => d.Select((c, p) => c && !stays[n][p]).ToArray())];

        int[] Of((int Document, int Place) w) => documents[w.Document][w.Place..(w.Place + length)];
    }
}
