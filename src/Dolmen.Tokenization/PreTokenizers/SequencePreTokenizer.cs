using System.Runtime.InteropServices;

namespace Dolmen.Tokenization;

/// <summary>Each step cuts the pieces of the one before, and sees nothing beyond a piece.</summary>
internal sealed class SequencePreTokenizer(PreTokenizer[] steps) : PreTokenizer
{
    public override string Pattern => string.Join(" then ", steps.Select(step => step.Pattern));

    public override IReadOnlyList<PreTokenizer> Steps => steps;

    public override void Split(ReadOnlySpan<byte> text, List<int> ends)
    {
        var pieces = new List<int>(text.Length / 4 + 4);
        var finer = new List<int>(text.Length / 4 + 4);
        steps[0].Split(text, pieces);
        foreach (var step in steps.AsSpan(1))
        {
            finer.Clear();
            var start = 0;
            foreach (var end in pieces)
            {
                var before = finer.Count;
                if (end < 0)
                {
                    finer.Add(end);
                    start = ~end;
                    continue;
                }
                step.Split(text[start..end], finer);
                foreach (ref var inside in CollectionsMarshal.AsSpan(finer)[before..]) inside += inside < 0 ? -start : start;
                start = end;
            }
            (pieces, finer) = (finer, pieces);
        }
        ends.AddRange(pieces);
    }
}
