using CsCheck;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class ConversationPackingTests
{
    private const int Pad = 0;

    /// <summary>Conversation i holds only the token i + 1, so that it is recognised in a row.</summary>
    private static readonly Gen<TokenizedConversation[]> Conversations = Gen.Int[1, 20].Array[1, 60].Select(lengths =>
        lengths.Select((length, i) => new TokenizedConversation(
            [.. Enumerable.Repeat(i + 1, length)], [.. Enumerable.Range(0, length).Select(at => (at + i) % 3 == 0)])).ToArray());

    [Fact]
    public void Every_conversation_lies_whole_in_one_row_with_its_mask() =>
        Conversations.Sample(conversations =>
        {
            var packed = ConversationPacking.Pack(conversations, contextLength: 19, Pad, seed: 1);
            Assert.Equal(packed.Rows * 20, packed.Tokens.Length);
            Assert.Equal(conversations.Length, packed.Conversations);
            Assert.Equal(conversations.Length, packed.SegmentStarts.Sum(starts => starts.Length - 1));
            Assert.All(
                Enumerable.Range(0, packed.Rows),
                row => Assert.Equal(20 - packed.TokensOf(row).Count(Pad), packed.SegmentStarts[row][^1])
            );
            Assert.Equal(packed.Padding, packed.Tokens.Count(token => token == Pad));
            for (var i = 0; i < conversations.Length; i++)
            {
                var row = Assert.Single(Enumerable.Range(0, packed.Rows), row => packed.TokensOf(row).Contains(i + 1));
                var at = packed.TokensOf(row).IndexOf(i + 1);
                var length = conversations[i].Tokens.Length;
                Assert.Equal(conversations[i].Tokens, packed.TokensOf(row).Slice(at, length).ToArray());
                Assert.Equal([false, .. conversations[i].LossMask[1..]], packed.LossMaskOf(row).Slice(at, length).ToArray());
                Assert.Contains(at, packed.SegmentStarts[row][..^1]);
            }
            Assert.DoesNotContain(packed.Tokens.Zip(packed.LossMask), pair => pair is (Pad, true));
        });

    [Fact]
    public void Two_rows_never_fit_into_one() => Conversations.Sample(conversations =>
    {
        var packed = ConversationPacking.Pack(conversations, contextLength: 19, Pad, seed: 1);
        var used = Enumerable.Range(0, packed.Rows).Select(row => 20 - packed.TokensOf(row).Count(Pad)).Order().ToArray();
        Assert.True(used.Length < 2 || used[0] + used[1] > 20);
    });

    [Fact]
    public void A_conversation_that_is_empty_or_longer_than_a_row_is_a_fault_of_the_caller()
    {
        Assert.Throws<ArgumentException>(() =>
            ConversationPacking.Pack([new([1, 2, 3], [false, true, true])], contextLength: 1, Pad, seed: 1)
        );
        Assert.Throws<ArgumentException>(() => ConversationPacking.Pack([new([], [])], contextLength: 1, Pad, seed: 1));
    }

    [Fact]
    public void The_seed_decides_the_rows() => Conversations.Where(conversations => conversations.Length > 30).Sample(conversations =>
    {
        var first = ConversationPacking.Pack(conversations, 19, Pad, seed: 1).Tokens;
        Assert.Equal(first, ConversationPacking.Pack(conversations, 19, Pad, seed: 1).Tokens);
        Assert.NotEqual(first, ConversationPacking.Pack(conversations, 19, Pad, seed: 2).Tokens);
    }, iter: 20);
}
