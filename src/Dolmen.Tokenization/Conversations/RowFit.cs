using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What happens to examples that are longer than the context.</summary>
public enum LongRows
{
    /// <summary>Their end is kept, up to the last token that is learned: the answer stays, its beginning may go.</summary>
    KeepEnd,

    /// <summary>Their beginning is kept: what is learned has all that stands before it, and answers beyond the context go.</summary>
    KeepStart,

    /// <summary>They are left out.</summary>
    Drop,

    /// <summary>Training does not begin.</summary>
    Error,
}

/// <summary>Brings examples to the length of a row, and counts those it leaves out or cuts.</summary>
public sealed class RowFit(int contextLength, LongRows choice, DataTally tally)
{
    public const string TooLong = "longer-than-context", NothingLearned = "no-assistant-turn", CutAway = "no-answer-left-after-cut";

    /// <returns>What goes into a row of the context's length and one token; null where nothing of it can be learned.</returns>
    /// <exception cref="UserErrorException">It is too long and <see cref="LongRows.Error"/> is chosen.</exception>
    public TokenizedConversation? Fit(TokenizedConversation example, DataPlace place)
    {
        if (!HasTarget(example.LossMask)) return Drop(NothingLearned, place);
        var (length, longest) = (example.Tokens.Length, contextLength + 1);
        if (length <= longest) return Use(example);
        if (choice == LongRows.Error) throw TooLongError(length, place);
        if (choice == LongRows.Drop) return Drop(TooLong, place);
        // No token behind the last learned one has a part in the loss.
        var (from, to) = choice == LongRows.KeepStart ? (0, longest) : (0, Array.LastIndexOf(example.LossMask, true) + 1);
        from = Math.Max(0, to - longest);
        var cut = new TokenizedConversation(example.Tokens[from..to], example.LossMask[from..to]);
        if (!HasTarget(cut.LossMask)) return Drop(CutAway, place);
        tally.Cut(TooLong, place);
        return Use(cut);
    }

    /// <summary>The same for the two answers of a pair, each behind their prompt. The prompt stays the same in both: what
    /// <see cref="LongRows.KeepEnd"/> takes from its beginning it takes from both, and never a part of an answer;
    /// <see cref="LongRows.KeepStart"/> takes the ends of answers.</summary>
    /// <returns>Null where the pair is left out.</returns>
    /// <exception cref="UserErrorException">An answer is too long and <see cref="LongRows.Error"/> is chosen.</exception>
    public (TokenizedConversation Chosen, TokenizedConversation Rejected)? FitPair(
        TokenizedConversation chosen,
        TokenizedConversation rejected,
        DataPlace place
    )
    {
        var (length, longest) = (Math.Max(chosen.Tokens.Length, rejected.Tokens.Length), contextLength + 1);
        if (length <= longest)
        {
            tally.Use();
            return (chosen, rejected);
        }
        if (choice == LongRows.Error) throw TooLongError(length, place);
        var from = choice == LongRows.KeepEnd ? length - longest : 0;
        var (one, other) = (Part(chosen, from, longest), Part(rejected, from, longest));
        var reason =
            choice == LongRows.Drop ? TooLong
            : from >= Math.Min(Array.IndexOf(chosen.LossMask, true), Array.IndexOf(rejected.LossMask, true)) && from > 0 ? CutAway
            : !HasTarget(one.LossMask) || !HasTarget(other.LossMask) ? CutAway
            : one.Tokens.AsSpan().SequenceEqual(other.Tokens) ? TrainingPair.SameAnswers
            : null;
        if (reason is not null)
        {
            tally.Drop(reason, place);
            return null;
        }
        tally.Cut(TooLong, place);
        tally.Use();
        return (one, other);
    }

    private static TokenizedConversation Part(TokenizedConversation whole, int from, int longest)
    {
        from = Math.Min(from, whole.Tokens.Length);
        var to = Math.Min(whole.Tokens.Length, from + longest);
        return new TokenizedConversation(whole.Tokens[from..to], whole.LossMask[from..to]);
    }

    private UserErrorException TooLongError(int length, DataPlace place) => new(
        $"{place.File}, line {place.Line} has {length} tokens, and a row of training.contextLength {contextLength} holds " +
        $"{contextLength + 1}. " +
        "Use a longer context, or have long rows cut or left out with --set training.longRows=keepEnd, keepStart or drop.");

    /// <summary>The first token of a row has nothing before it and is never a target.</summary>
    private static bool HasTarget(bool[] mask) => mask.AsSpan(Math.Min(1, mask.Length)).Contains(true);

    private TokenizedConversation Use(TokenizedConversation example)
    {
        tally.Use();
        return example;
    }

    private TokenizedConversation? Drop(string reason, DataPlace place)
    {
        tally.Drop(reason, place);
        return null;
    }
}
