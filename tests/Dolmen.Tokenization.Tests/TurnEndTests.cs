using System.Text;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class TurnEndTests
{
    private static readonly string[] Marks =
    [
        "<s>",
        "</s>",
        "<|im_start|>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<|user|>",
        "<|assistant|>",
        "<|end|>",
        "[INST]",
        "[/INST]",
    ];

    /// <summary>The shapes of the templates of ChatML, Llama 3, Gemma, Zephyr, Phi 3 and Mistral.</summary>
    [Theory]
    [InlineData("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", "<|im_end|>")]
    [InlineData(
        "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}",
        "<|eot_id|>"
    )]
    [InlineData(
        "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% "
            + "endfor %}",
        "<end_of_turn>"
    )]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>\n{% endfor %}", "</s>")]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n<|end|>\n{% endfor %}", "<|end|>")]
    [InlineData(
        "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
            + "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}",
        "</s>"
    )]
    [InlineData("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", null)]
    [InlineData("{% for m in messages %}{{ m.content }}<|im_ends|>{% endfor %}", null)]
    [InlineData("{{ raise_exception('no') }}", null)]
    [InlineData("{{ messages[0].content }}<|end|>", null)]
    [InlineData("{% for m in messages %}{{ m.content }}", null)]
    public void The_token_behind_an_answer_ends_a_turn(string template, string? end) =>
        Assert.Equal(end, TurnEnd.Of(new Marked(template)) is { } id ? Marks[id] : null);

    [Fact]
    public void A_vocabulary_without_a_template_has_none() => Assert.Null(TurnEnd.Of(Samples.Tokenizer));

    private sealed class Marked : Tokenizer
    {
        public Marked(string template) => Template = new Lazy<ChatTemplate?>(() => ChatTemplate.Parse(template));

        public override int VocabSize => Marks.Length;

        public override SpecialTokens Special { get; } = new(0, 1, 1, -1, -1, -1, 1);

        public override IReadOnlyList<AddedToken> Added => [.. Marks.Select((mark, id) => new AddedToken(mark, id, Special: true))];

        public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false) =>
            throw new NotSupportedException();

        public override ReadOnlySpan<byte> BytesOf(int token) => Encoding.UTF8.GetBytes(Marks[token]);
    }
}
