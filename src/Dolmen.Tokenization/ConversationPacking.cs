using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Conversations laid side by side into rows of equal length.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="RowLength">Context length + 1: the inputs of a row are all but its last token, the targets all but its first.</param>
/// <param name="Tokens">Row after row, padded at the end.</param>
/// <param name="LossMask">Beside each token: whether a model is to learn to say it.</param>
/// <param name="Conversations">How many were packed.</param>
/// <param name="Padding">Padding tokens in all rows.</param>
/// <param name="SegmentStarts">Of each row: where each of its conversations begins, in order, and as the last entry where they end and
/// padding begins.</param>
public sealed record PackedRows(
    int Rows, int RowLength, int[] Tokens, bool[] LossMask, int Conversations, long Padding, int[][] SegmentStarts)
{
    public ReadOnlySpan<int> TokensOf(int row) => Tokens.AsSpan(row * RowLength, RowLength);

    public ReadOnlySpan<bool> LossMaskOf(int row) => LossMask.AsSpan(row * RowLength, RowLength);
}

/// <summary>
/// Best-fit decreasing: the longest conversation first, each into the fullest row that still has room. Next to no padding, and no
/// conversation is cut in two (Ding et al. 2024, "Fewer Truncations Improve Language Modeling").
/// </summary>
public static class ConversationPacking
{
    /// <param name="conversations">In any order; the same order and seed give the same rows. None is empty or longer than a row:
    /// <see cref="RowFit"/> sees to that.</param>
    /// <param name="contextLength">A row is one token longer.</param>
    /// <param name="pad">Fills the rest of a row.</param>
    /// <param name="seed">Decides which conversations of equal length come together, and the order of rows.</param>
    public static PackedRows Pack(IEnumerable<TokenizedConversation> conversations, int contextLength, int pad, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(contextLength);
        var rowLength = contextLength + 1;
        TokenizedConversation[] all = [.. conversations];
        foreach (var conversation in all) ThrowIfUnfit(conversation, rowLength);

        var random = new StableRandom(seed);
        random.Shuffle(all.AsSpan());
        var rows = new List<List<TokenizedConversation>>();
        var byRoom = new Stack<int>[rowLength + 1];                      // rows by the tokens they have room for
        for (var room = 0; room <= rowLength; room++) byRoom[room] = new Stack<int>();
        foreach (var conversation in all.OrderByDescending(conversation => conversation.Tokens.Length))
        {
            var length = conversation.Tokens.Length;
            var room = length;
            while (room <= rowLength && byRoom[room].Count == 0) room++;
            if (room > rowLength)
            {
                rows.Add([]);
                byRoom[room = rowLength].Push(rows.Count - 1);
            }
            var row = byRoom[room].Pop();
            rows[row].Add(conversation);
            byRoom[room - length].Push(row);
        }
        random.Shuffle(CollectionsMarshal.AsSpan(rows));

        var tokens = new int[checked(rows.Count * rowLength)];
        var mask = new bool[tokens.Length];
        var starts = new int[rows.Count][];
        Array.Fill(tokens, pad);
        var used = 0L;
        for (var row = 0; row < rows.Count; row++)
        {
            var at = 0;
            var borders = new List<int>();
            foreach (var conversation in rows[row])
            {
                var start = row * rowLength + at;
                conversation.Tokens.CopyTo(tokens, start);
                conversation.LossMask.CopyTo(mask, start);
                mask[start] = false;                                     // nothing of its own conversation stands before it
                borders.Add(at);
                at += conversation.Tokens.Length;
            }
            starts[row] = [.. borders, at];
            used += at;
        }
        return new PackedRows(rows.Count, rowLength, tokens, mask, all.Length, tokens.LongLength - used, starts);
    }

    private static void ThrowIfUnfit(TokenizedConversation conversation, int rowLength)
    {
        if (conversation.Tokens.Length != conversation.LossMask.Length)
            throw new ArgumentException(
                $"A conversation has {conversation.Tokens.Length} tokens but a loss mask of {conversation.LossMask.Length}.",
                nameof(conversation)
            );
        if (conversation.Tokens.Length == 0 || conversation.Tokens.Length > rowLength)
            throw new ArgumentException(
                $"A conversation has {conversation.Tokens.Length} tokens but a row holds 1 to {rowLength}.",
                nameof(conversation)
            );
    }
}
