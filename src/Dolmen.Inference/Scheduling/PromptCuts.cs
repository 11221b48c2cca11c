using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>Where in a prompt copies of a state are kept that cannot go back: at the ends of messages, every so many tokens, where another
/// prompt branched off, and before the last token, which must be computed for its logits whoever asks.</summary>
internal sealed class PromptCuts(Tokenizer tokenizer)
{
    private const int Every = 512, MostMessages = 8;

    private readonly int _turnEnd = TurnEnd.Of(tokenizer) ?? tokenizer.Special.End;
    private bool _goesBack;

    public IReadOnlyList<int> Of(GeneratingSequence sequence, int branch)
    {
        var last = sequence.PromptLength - 1;
        if (_goesBack || last < 1) return [];
        var cuts = new SortedSet<int> { last };
        for (var n = Every; n < last; n += Every) cuts.Add(n);
        if (branch > 0 && branch < last) cuts.Add(branch);
        var ends = new List<int>();
        for (var i = 0; i < last; i++) if (sequence.Tokens[i] == _turnEnd) ends.Add(i + 1);
        foreach (var end in ends.Take(1).Concat(ends.TakeLast(MostMessages - 1))) cuts.Add(end);
        return [.. cuts];
    }

    /// <summary>Whether the state stands where a copy is to be kept: at a cut if it cannot go back, else at the prompt's end.</summary>
    public bool IsOne(GeneratingSequence sequence)
    {
        var length = sequence.State!.Length;
        if (length > 1) _goesBack = sequence.State.CanTruncate(1);
        var (isCut, last) = (sequence.Cuts.Contains(length), sequence.PromptLength - 1);
        if (!_goesBack) return isCut;
        return sequence.Cuts.Contains(last) ? length == last : length == sequence.PromptLength;
    }
}
