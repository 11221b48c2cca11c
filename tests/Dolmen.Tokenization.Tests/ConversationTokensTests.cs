using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class ConversationTokensTests
{
    private const string ToolTemplate =
        "{% for m in messages %}<|user|>{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}" +
        "{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% else %}{{ m.content }}{% endif %}<|end|>{% endgeneration %}" +
        "{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|user|>assistant:{% endif %}";

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]}""", "two<|end|>")]
    [InlineData(
        """{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two","weight":0},{"role":"user","content":"one"},{"role":"assistant","content":"six"}]}""",
        "six<|end|>"
    )]
    [InlineData(
        """{"messages":[{"role":"assistant","content":"two"},{"role":"assistant","content":"no","weight":0},{"role":"assistant","content":"six"}]}""",
        "two<|end|>six<|end|>"
    )]
    [InlineData(
        """{"prompt":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","content":"so"}],"completion":[{"role":"assistant","content":"six"}]}""",
        "six<|end|>"
    )]
    [InlineData("""{"prompt":"The sky is","completion":" blue."}""", " blue.<|endoftext|>")]
    [InlineData("""{"prompt":"","completion":"Blue."}""", "Blue.<|endoftext|>")]
    public void Only_what_is_to_be_said_is_learned(string row, string learned)
    {
        Assert.Equal(learned, Learned(Samples.Tokenizer, row));
        if (row.Contains("completion\":\"", StringComparison.Ordinal)) return;
        Assert.Equal(learned, Learned(WithTemplate(ToolTemplate), row));
    }

    [Fact]
    public void A_chat_template_sees_tool_calls_and_tools_answers()
    {
        const string Row =
            """{"messages":[{"role":"user","content":"Look it up."},{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","content":"42"},{"role":"assistant","content":"It is 42."}]}""";
        var tokenizer = WithTemplate(ToolTemplate);
        var tokens = Tokens(tokenizer, Row);
        Assert.Equal(
            "<|user|>user:Look it up.<|end|><|user|>assistant:look<|end|><|user|>tool:42<|end|><|user|>assistant:It is 42.<|end|>",
            tokenizer.Decode(tokens.Tokens)
        );
        Assert.Equal("look<|end|>It is 42.<|end|>", Learned(tokenizer, Row));
    }

    [Theory]
    // The call is learned with its turn, a tool's answer never.
    [InlineData(
        """{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"c","content":"42"},{"role":"assistant","content":"a"}]}""",
        "<|bos|><|user|>u<|end|><|assistant|>[<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call><|end|>]"
            + "<|user|><tool_response>\n42\n</tool_response><|end|><|assistant|>[a<|end|>]"
    )]
    [InlineData(
        """{"messages":[{"role":"assistant","content":"two","tool_calls":[{"function":{"name":"f"}},{"name":"g","arguments":{}}],"weight":0},{"role":"assistant","content":"a"}]}""",
        "<|bos|><|assistant|>two\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n"
            + "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call><|end|><|assistant|>[a<|end|>]"
    )]
    [InlineData(
        """{"conversations":[{"from":"system","value":"s"},{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{}}"},{"from":"observation","value":"42<|end|>"},{"from":"gpt","value":"a"}],"tools":[{"name":"f"}]}""",
        "<|bos|><|system|>s\n\nTools that can be called:\n<tools>\n{\"name\": \"f\"}\n</tools>\nA call is written like this:\n"
            + "<tool_call>\n{\"name\": \"tool\", \"arguments\": {}}\n</tool_call><|end|>"
            + "<|assistant|>[<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call><|end|>]"
            + "<|user|><tool_response>\n42<|end|>\n</tool_response><|end|><|assistant|>[a<|end|>]"
    )]
    public void Dolmens_own_format_writes_calls_and_results_as_text(string row, string expected)
    {
        var (tokens, mask) = Tokens(Samples.Tokenizer, row);
        var text = new StringBuilder();
        for (var i = 0; i < tokens.Length; i++)
        {
            if (mask[i] && !mask[i - 1]) text.Append('[');
            if (!mask[i] && i > 0 && mask[i - 1]) text.Append(']');
            text.Append(Samples.Tokenizer.Decode([tokens[i]]));
        }
        Assert.Equal(expected, text.Append(mask[^1] ? "]" : "").ToString());
        // What a tool says cannot end its turn.
        var ends = expected.Split("<|end|>").Length - 1 - (row.Contains("<|end|>", StringComparison.Ordinal) ? 1 : 0);
        Assert.Equal(ends, tokens.Count(token => token == Samples.Tokenizer.Special.End));
    }

    [Theory]
    [InlineData(
        """{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}]}""",
        "messages[0].tool_calls[0] does not say"
    )]
    [InlineData("""{"messages":[{"role":"assistant","content":null,"tool_calls":["f"]}]}""", "messages[0].tool_calls[0] does not say")]
    public void A_call_that_names_no_tool_is_refused(string row, string message)
    {
        var error = Assert.Throws<UserErrorException>(() => Tokens(Samples.Tokenizer, row));
        Assert.Contains("a.jsonl, line 1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_refuses_a_conversation_is_named_with_file_and_line()
    {
        var tokenizer = WithTemplate("{{ raise_exception('Turns must alternate.') }}");
        var error = Assert.Throws<UserErrorException>(() => Tokens(tokenizer, """{"messages":[{"role":"assistant","content":"a"}]}"""));
        Assert.Contains("a.jsonl, line 1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Turns must alternate.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    // tokens, learned from..to, row of 4 tokens (context 3)
    [InlineData(LongRows.KeepEnd, "....LL", "..LL", 1, 0)]
    [InlineData(LongRows.KeepEnd, ".L....", ".L", 1, 0)]
    [InlineData(LongRows.KeepEnd, "LL....", "LL", 1, 0)]
    [InlineData(LongRows.KeepStart, ".LLLLL", ".LLL", 1, 0)]
    [InlineData(LongRows.KeepStart, "....LL", null, 0, 1)]
    [InlineData(LongRows.Drop, ".LLLLL", null, 0, 1)]
    [InlineData(LongRows.KeepEnd, "..LL", "..LL", 0, 0)]
    [InlineData(LongRows.Error, "..LL", "..LL", 0, 0)]
    [InlineData(LongRows.KeepEnd, "....", null, 0, 1)]
    [InlineData(LongRows.KeepEnd, "L...", null, 0, 1)]
    [InlineData(LongRows.KeepEnd, "", null, 0, 1)]
    public void Long_rows_are_cut_or_left_out_as_chosen_and_counted(LongRows choice, string example, string? kept, int cut, int dropped)
    {
        var tally = new DataTally("conversations");
        var fit = new RowFit(3, choice, tally).Fit(Example(example), new DataPlace("a.jsonl", 7));
        Assert.Equal(kept, fit is null ? null : string.Concat(fit.LossMask.Select(learned => learned ? 'L' : '.')));
        var counts = tally.ToCounts();
        Assert.Equal((cut, dropped), (counts.Cut.Sum(reason => (int)reason.Count), counts.Dropped.Sum(reason => (int)reason.Count)));
        Assert.All([.. counts.Cut, .. counts.Dropped], reason => Assert.Equal("a.jsonl, line 7", reason.First));
        Assert.Equal(kept is null ? 0 : 1, counts.Used);
    }

    [Fact]
    public void The_tokens_kept_are_those_of_the_mask()
    {
        Assert.Equal([2, 3, 4, 5], new RowFit(3, LongRows.KeepEnd, new DataTally("")).Fit(Example("....LL"), default)!.Tokens);
        Assert.Equal([0, 1, 2, 3], new RowFit(3, LongRows.KeepStart, new DataTally("")).Fit(Example(".LLLLL"), default)!.Tokens);
        Assert.Equal([0, 1], new RowFit(3, LongRows.KeepEnd, new DataTally("")).Fit(Example(".L...."), default)!.Tokens);
    }

    [Fact]
    public void A_long_row_is_an_error_where_that_is_chosen()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new RowFit(3, LongRows.Error, new DataTally("")).Fit(Example("....LL"), new DataPlace("a.jsonl", 7))
        );
        Assert.Contains(
            "a.jsonl, line 7 has 6 tokens, and a row of training.contextLength 3 holds 4",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("--set training.longRows=", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    // A row holds 4 tokens; the prompt is what both begin with.
    [InlineData(LongRows.KeepEnd, "..LL", "..L", "..LL", "..L", null)]
    [InlineData(LongRows.KeepEnd, "...LL", "...L", "..LL", "..L", "longer-than-context")]
    [InlineData(LongRows.KeepEnd, ".LLLL", ".L", null, null, "no-answer-left-after-cut")]
    [InlineData(LongRows.KeepStart, ".LLLL", ".L", ".LLL", ".L", "longer-than-context")]
    [InlineData(LongRows.KeepStart, "....L", "....LL", null, null, "no-answer-left-after-cut")]
    [InlineData(LongRows.KeepStart, "..LLL", "..LLLL", null, null, "chosen-equals-rejected")]
    [InlineData(LongRows.Drop, "...LL", "...L", null, null, "longer-than-context")]
    public void Long_pairs_are_cut_alike_or_left_out_and_counted(
        LongRows choice,
        string chosen,
        string rejected,
        string? keptChosen,
        string? keptRejected,
        string? counted
    )
    {
        var tally = new DataTally("pairs");
        var fit = new RowFit(3, choice, tally).FitPair(Example(chosen), Example(rejected), new DataPlace("a.jsonl", 7));
        Assert.Equal((keptChosen, keptRejected), (Marks(fit?.Chosen), Marks(fit?.Rejected)));
        var counts = tally.ToCounts();
        Assert.Equal(counted, counts.Cut.Concat(counts.Dropped).SingleOrDefault()?.Reason);
        Assert.Equal(fit is null ? 0 : 1, counts.Used);
        if (fit is { } both) Assert.Equal(both.Chosen.Tokens[0], both.Rejected.Tokens[0]);
    }

    [Fact]
    public void A_long_pair_is_an_error_where_that_is_chosen() =>
        Assert.Contains(
            "a.jsonl, line 7 has 6 tokens",
            Assert
                .Throws<UserErrorException>(() =>
                    new RowFit(3, LongRows.Error, new DataTally("")).FitPair(Example("..L"), Example("..LLLL"), new DataPlace("a.jsonl", 7))
                )
                .Message,
            StringComparison.Ordinal
        );

    private static string? Marks(TokenizedConversation? example) =>
        example is null ? null : string.Concat(example.LossMask.Select(learned => learned ? 'L' : '.'));

    private static TokenizedConversation Example(string mask) =>
        new([.. Enumerable.Range(0, mask.Length)], [.. mask.Select(character => character == 'L')]);

    private static string Learned(Tokenizer tokenizer, string row)
    {
        var tokens = Tokens(tokenizer, row);
        return tokenizer.Decode([.. tokens.Tokens.Zip(tokens.LossMask).Where(token => token.Second).Select(token => token.First)]);
    }

    private static TokenizedConversation Tokens(Tokenizer tokenizer, string row)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("a.jsonl"), row + "\n");
        var tally = new DataTally("conversations");
        return new ConversationTokens(tokenizer, tally).Of(ConversationFiles.Read(folder.File("a.jsonl"), tally).Single());
    }

    private static Tokenizer WithTemplate(string template)
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        File.WriteAllText(folder.File("chat_template.jinja"), template);
        var tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.NotNull(tokenizer.ChatTemplate);                          // read before the folder goes
        return tokenizer;
    }
}
