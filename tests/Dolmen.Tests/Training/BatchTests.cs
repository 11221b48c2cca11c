using Dolmen.Modeling;
using Dolmen.Tokenization;
using Dolmen.Training;
using static TorchSharp.torch;

namespace Dolmen.Tests.Training;

public class BatchTests
{
    [Fact]
    public void A_row_of_one_text_has_no_segments()
    {
        var batch = new Batch(2, 4);
        batch.SetRow(0, [1, 2, 3, 4, 5], [], pad: 0);
        batch.SetRow(1, [1, 2, 3, 4, 5], [], pad: 0, starts: [0, 5]);
        Assert.Null(batch.Segments);
        Assert.Equal(8, batch.Counted);
    }

    [Fact]
    public void The_first_token_of_a_text_and_padding_are_not_targets()
    {
        using var scope = NewDisposeScope();
        var batch = new Batch(2, 7);
        batch.SetRow(0, [1, 2, 3, 4, 5, 0, 0, 0], [], pad: 0, starts: [0, 2, 5]);
        batch.SetRow(1, [1, 2, 3, 4, 5, 6, 7, 8], [], pad: 0, starts: [0, 7, 8]);
        Assert.Equal([2, -1, 4, 5, -1, -1, -1, 2, 3, 4, 5, 6, 7, -1], batch.Targets(CPU).data<long>().ToArray());
        Assert.Equal([new(0, 0, 2), new(0, 2, 3), new(0, 5, 2, Padding: true), new(1, 0, 7)], batch.Segments!.All);
    }

    [Fact]
    public void A_conversation_that_lost_its_beginning_is_not_predicted_from_its_neighbour()
    {
        // Cut conversations can begin inside an assistant's turn, where the loss mask says that tokens count.
        using var scope = NewDisposeScope();
        var batch = new Batch(1, 5);
        batch.SetRow(0, [1, 2, 3, 4, 5, 6], [false, true, true, true, true, true], pad: 0, starts: [0, 3, 6]);
        Assert.Equal([2, 3, -1, 5, 6], batch.Targets(CPU).data<long>().ToArray());
    }

    [Fact]
    public void Packed_rows_say_where_their_conversations_are()
    {
        TokenizedConversation Conversation(int length, int token) => new([.. Enumerable.Repeat(token, length)], new bool[length]);
        TokenizedConversation[] conversations = [Conversation(9, 1), Conversation(4, 2), Conversation(3, 3), Conversation(8, 4)];
        var packed = ConversationPacking.Pack(conversations, contextLength: 15, pad: 0, seed: 1);
        for (var row = 0; row < packed.Rows; row++)
        {
            var (tokens, starts) = (packed.TokensOf(row).ToArray(), packed.SegmentStarts[row]);
            var changes = Enumerable.Range(1, tokens.Length - 1).Where(t => tokens[t] != tokens[t - 1]);
            Assert.Equal([0, .. changes, .. tokens[^1] == 0 ? [] : new[] { tokens.Length }], starts);
        }
    }
}
