using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dolmen.Data.Languages;

/// <summary>How many letters of each script a text has. Vowel signs and other marks are not letters.</summary>
internal struct ScriptShares
{
    /// <summary>Least share of kana in Han and kana together that means Japanese, which has about half; Chinese pages have a の here and
    /// there.</summary>
    private const double LeastKana = 0.1;
    private Counts _counts;

    public readonly int Letters { get; private init; }

    public readonly int this[Script script] => _counts[(int)script];

    /// <summary>The script most of the text is in; <see cref="Script.Zyyy"/> without letters.</summary>
    public readonly Script Main { get; private init; }

    /// <summary>Of the text in its main script, 0 to 1. A syllable or ideograph weighs as much as the two or three letters that would
    /// spell it, so that a Korean page full of Latin product names is still Korean.</summary>
    public readonly double Share { get; private init; }

    public static ScriptShares Of(ReadOnlySpan<char> text)
    {
        Counts counts = default;
        Count(text, counts);
        var letters = 0;
        foreach (var count in counts) letters += count;
        var (han, kana) = (counts[(int)Script.Hani], counts[(int)Script.Hira] + counts[(int)Script.Kana]);
        var japanese = kana > 0 && kana >= LeastKana * (han + kana);
        long total = 0, most = 0;
        var main = Script.Zyyy;
        for (var script = Script.Latn; script < Script.Jpan; script++)
        {
            var weight = (long)counts[(int)script] * Weight(script);
            total += weight;
            if (japanese && script is Script.Hani or Script.Kana) continue;
            var (name, joint) = japanese && script == Script.Hira ? (Script.Jpan, 3L * han + 2L * kana) : (script, weight);
            if (joint > most) (most, main) = (joint, name);
        }
        return new() { _counts = counts, Letters = letters, Main = main, Share = total == 0 ? 0 : (double)most / total };
    }

    private static int Weight(Script script) => script switch
    {
        Script.Hani or Script.Yiii => 3,
        Script.Hang or Script.Hira or Script.Kana or Script.Ethi or Script.Vaii => 2,
        _ => 1,
    };

    private static void Count(ReadOnlySpan<char> text, Span<int> counts)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var letter = text[at];
            if (letter < 0x80)
            {
                var run = text[at..].IndexOfAnyExceptInRange('\0', '\x7F');
                if (run < 0) run = text.Length - at;
                counts[(int)Script.Latn] += AsciiLetters(text.Slice(at, run));
                at += run - 1;
            }
            else if (!char.IsSurrogate(letter))
            {
                counts[(int)Scripts.Of(letter)]++;
            }
            else if (at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
            {
                counts[(int)Scripts.Of(letter, text[++at])]++;
            }
        }
        counts[(int)Script.Zyyy] = 0;
    }

    private static int AsciiLetters(ReadOnlySpan<char> text)
    {
        var (letters, at) = (0, 0);
        var units = MemoryMarshal.Cast<char, ushort>(text);
        while (units.Length - at >= Vector<ushort>.Count)
        {
            // Each lane counts up to the chunk's length, which a ushort holds.
            var chunk = Vector<ushort>.Zero;
            var end = Math.Min(units.Length, at + 60000 * Vector<ushort>.Count);
            for (; end - at >= Vector<ushort>.Count; at += Vector<ushort>.Count)
            {
                var lower = (new Vector<ushort>(units[at..]) | new Vector<ushort>(0x20)) - new Vector<ushort>('a');
                chunk -= Vector.LessThanOrEqual(lower, new Vector<ushort>(25));
            }
            for (var lane = 0; lane < Vector<ushort>.Count; lane++) letters += chunk[lane];
        }
        for (; at < text.Length; at++)
            if (char.IsAsciiLetter(text[at])) letters++;
        return letters;
    }

    [InlineArray(Scripts.Count)]
    private struct Counts
    {
        private int _first;
    }
}
