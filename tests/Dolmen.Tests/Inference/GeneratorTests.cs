using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Inference;

public class GeneratorTests
{
    private static readonly ByteTokenizer Bytes = new();

    [Fact]
    public void Streamed_pieces_are_whole_characters_and_make_the_text()
    {
        const string text = "Zürich 你好 🦙 fin";
        var pieces = new List<string>();
        var result = Generate(text, new GenerationOptions(SamplingOptions.Greedy), pieces);
        Assert.Equal(text, result.Text);
        Assert.Equal(text, string.Concat(pieces));
        Assert.DoesNotContain(pieces, piece => piece.Contains('\uFFFD', StringComparison.Ordinal) || char.IsHighSurrogate(piece[^1]));
        Assert.Equal(FinishReason.Stop, result.FinishReason);
        Assert.True(pieces.Count > 10);
    }

    [Fact]
    public void A_stop_string_across_tokens_ends_the_text_and_is_never_shown() =>
        Gen.Select(Gen.String[Gen.Char["ab.é"], 0, 30], Gen.String[Gen.Char["ab.é"], 1, 4].Array[1, 3]).Sample((text, stops) =>
        {
            var pieces = new List<string>();
            var result = Generate(text, new GenerationOptions(SamplingOptions.Greedy, 200, stops), pieces);
            // Of several, the stop string that is complete first ends the text, where it begins earliest.
            var expected = text;
            for (var length = 1; length <= text.Length; length++)
            {
                var found = stops.Select(stop => text.AsSpan(0, length).IndexOf(stop)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
                if (found < 0) continue;
                expected = text[..found];
                break;
            }
            Assert.Equal(expected, result.Text);
            Assert.Equal(expected, string.Concat(pieces));
            Assert.Equal(FinishReason.Stop, result.FinishReason);
        }, iter: 500);

    [Fact]
    public void The_beginning_of_a_stop_string_that_does_not_come_is_text_after_all()
    {
        var result = Generate("see </spa", new GenerationOptions(SamplingOptions.Greedy, 200, ["</span>"]), []);
        Assert.Equal("see </spa", result.Text);
    }

    [Fact]
    public void Max_tokens_and_the_context_end_the_text_with_length()
    {
        var limited = Generate("abcdefgh", new GenerationOptions(SamplingOptions.Greedy, 3), []);
        Assert.Equal(("abc", FinishReason.Length), (limited.Text, limited.FinishReason));
        using var model = new ScriptedModel(Bytes.Encode(new string('x', 50)), contextLength: 20);
        var full = new Generator(model, Bytes).Generate(new int[15], new GenerationOptions(SamplingOptions.Greedy, 100));
        Assert.Equal((5, FinishReason.Length), (full.Tokens.Length, full.FinishReason));
    }

    [Fact]
    public void A_character_cut_off_by_max_tokens_becomes_a_replacement()
    {
        var result = Generate("a你", new GenerationOptions(SamplingOptions.Greedy, 2), []);
        Assert.Equal("a\uFFFD", result.Text);
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_is_refused_with_both_numbers()
    {
        using var model = new ScriptedModel([], contextLength: 20);
        var error = Assert.Throws<UserErrorException>(() => new Generator(model, Bytes)
            .Generate(new int[20], new GenerationOptions(SamplingOptions.Greedy)));
        Assert.Contains("20 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("at most 19", error.Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => new Generator(model, Bytes).Generate([], new GenerationOptions(SamplingOptions.Greedy)));
    }

    [Fact]
    public void Cancelling_ends_between_two_tokens()
    {
        using var stop = new CancellationTokenSource();
        using var model = new ScriptedModel(Bytes.Encode("abcdef"));
        var pieces = new List<string>();
        Assert.Throws<OperationCanceledException>(() => new Generator(model, Bytes)
            .Generate([1], new GenerationOptions(SamplingOptions.Greedy), piece =>
        {
            pieces.Add(piece);
            if (pieces.Count == 2) stop.Cancel();
        }, stop: stop.Token));
        Assert.Equal("ab", string.Concat(pieces));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_conversation_computes_only_what_is_new(bool forgets)
    {
        using var model = new ScriptedModel([.. Bytes.Encode("yes"), Bytes.Special.End, .. Bytes.Encode("no"), Bytes.Special.End],
            forgets: forgets);
        using var chat = new ChatSession(model, Bytes, system: "s");
        var options = new GenerationOptions(SamplingOptions.Greedy, 20);
        Assert.Equal("yes", chat.Ask("one?", options).Text);
        Assert.Equal("no", chat.Ask("two?", options).Text);
        ChatMessage[] all = [new("system", "s"), new("user", "one?"), new("assistant", "yes"), new("user", "two?")];
        int[] expected = [.. ChatFormat.TokenizePrompt(Bytes, all), .. Encoding.UTF8.GetBytes("no")];
        Assert.Equal(expected, model.Computed);
        chat.Reset();
        Assert.Single(chat.Messages);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancelled_turn_leaves_the_conversation_as_it_was(bool forgets)
    {
        using var stop = new CancellationTokenSource();
        using var model = new ScriptedModel(
            [.. Bytes.Encode("yes"), Bytes.Special.End, .. Bytes.Encode("a"), .. Bytes.Encode("no"), Bytes.Special.End], forgets: forgets);
        using var chat = new ChatSession(model, Bytes);
        var options = new GenerationOptions(SamplingOptions.Greedy, 20);
        chat.Ask("one?", options);
        Assert.Throws<OperationCanceledException>(() => chat.Ask("two?", options, _ => stop.Cancel(), stop.Token));
        Assert.Equal(2, chat.Messages.Count);
        model.Computed.Clear();
        Assert.Equal("no", chat.Ask("two?", options).Text);
        ChatMessage[] all = [new("user", "one?"), new("assistant", "yes"), new("user", "two?")];
        // What was computed of the prompt serves again, but for the last token: nobody kept its logits.
        int[] expected = [ChatFormat.TokenizePrompt(Bytes, all)[^1], .. Encoding.UTF8.GetBytes("no")];
        Assert.Equal(expected, model.Computed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_conversation_that_outgrows_the_context_forgets_its_oldest_exchanges(bool forgets)
    {
        using var model = new ScriptedModel(Enumerable.Repeat<int[]>([.. Bytes.Encode("fine"), 262], 10).SelectMany(x => x),
            contextLength: 60, forgets);
        using var chat = new ChatSession(model, Bytes, system: "sys");
        for (var turn = 0; turn < 8; turn++)
        {
            Assert.Equal("fine", chat.Ask($"question {turn}", new GenerationOptions(SamplingOptions.Greedy, 10)).Text);
        }
        Assert.Equal("sys", chat.Messages[0].Content);
        Assert.Equal("question 7", chat.Messages[^2].Content);
        Assert.True(chat.Messages.Count < 9);
        Assert.Throws<UserErrorException>(() => chat.Ask(new string('x', 100), new GenerationOptions(SamplingOptions.Greedy, 10)));
        Assert.Equal("question 7", chat.Messages[^2].Content);
    }

    private static GenerationResult Generate(string says, GenerationOptions options, List<string> pieces)
    {
        using var model = new ScriptedModel([.. Bytes.Encode(says), Bytes.Special.Eos]);
        return new Generator(model, Bytes).Generate([Bytes.Special.Bos], options, pieces.Add);
    }
}
