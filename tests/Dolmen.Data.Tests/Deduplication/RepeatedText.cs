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
        string[] texts = [$"one\n{menu}\nend", $"{menu}\ntwo", $"three\n  {menu}  "];
        using var lines = new RepeatedLines(folder.Path, 1 << 16);
        for (var i = 0; i < 3; i++) lines.Add(i, Key(3 - i), texts[i]);
        var cuts = lines.Repeated().ToLookup(r => r.Ordinal);
        Assert.Equal(["one\nend", "two", texts[2]], texts.Select((t, i) => TextRange.Cut(t, cuts[i])));
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
            var documents = Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(seed % 3 == 0 ? 1 : 3)).ToArray()).ToArray();
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

    private static bool[][] Naive(int[][] documents, int length)
    {
        var windows = documents.SelectMany((d, n) => Enumerable.Range(0, Math.Max(0, d.Length - length + 1)).Select(p => (Document: n, Place: p))).ToArray();
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
