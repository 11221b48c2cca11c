using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference.Constraints;

public class GrammarConstraintTests
{
    private static readonly PieceTokenizer Bytes = new();

    private const string Arithmetic = """
        # sums of products, as in llama.cpp's own example
        root   ::= expr "\n"
        expr   ::= term ([-+] term)*
        term   ::= factor
                 | factor "*" term   # right recursion
        factor ::= num | "(" expr ")"
        num    ::= [0-9]{1,3}
        """;

    [Theory]
    [InlineData("1+2*(3-45)\n", true)]
    [InlineData("((((7))))\n", true)]
    [InlineData("1+\n", false)]
    [InlineData("1234\n", false)]
    [InlineData("(1\n", false)]
    [InlineData("1", false)]
    public void A_grammar_allows_exactly_its_texts(string text, bool allowed) =>
        Assert.Equal(allowed, ConstrainedText.Allows(TextConstraint.Grammar(Arithmetic, Bytes), text));

    [Fact]
    public void Every_text_drawn_is_complete_within_its_limit()
    {
        var constraint = TextConstraint.Grammar(Arithmetic, Bytes);
        for (ulong seed = 0; seed < 200; seed++)
        {
            var text = ConstrainedText.Draw(constraint, Bytes, seed, tokens: 2 + (int)(seed % 30));
            Assert.NotNull(text);
            Assert.True(ConstrainedText.Allows(constraint, text), text);
        }
    }

    [Theory]
    [InlineData("root ::= [a-z]+ \"é\"?", "abcé", true)]
    [InlineData("root ::= \"\\x41\" \"\\u00e9\" \"\\U0001F600\"", "Aé😀", true)]
    [InlineData("root ::= [^\\n\"] .", "日x", true)]
    [InlineData("root ::= [^\\n\"] .", "\"x", false)]
    [InlineData("root ::= (\"a\" | \"b\"){2,3}", "abab", false)]
    [InlineData("root ::= item{2,}\nitem ::= \"x\" |\n  \"y\"", "xyx", true)]
    public void Its_syntax_is_llama_cpps(string grammar, string text, bool allowed) =>
        Assert.Equal(allowed, ConstrainedText.Allows(TextConstraint.Grammar(grammar, Bytes), text));

    [Theory]
    [InlineData("a ::= \"x\"", "no rule named 'root'")]
    [InlineData("root ::= b", "calls the rule 'b' without defining it")]
    [InlineData("root ::= root \"x\" | \"y\"", "calls itself before anything else")]
    [InlineData("root ::= a\na ::= \"\" b \"x\"\nb ::= \"y\"? a", "calls itself before anything else")]
    [InlineData("root ::= \"x\" root", "allows no text at all")]
    [InlineData("root ::= \"x\nroot2 ::= \"y\"", "in line 1: a string is not closed")]
    [InlineData("root ::= \"x\"\n\nroot ::= \"y\"", "in line 3: the rule 'root' is defined twice")]
    [InlineData("root = \"x\"", "'::=' must follow the name 'root'")]
    [InlineData("root ::= \"x\" )", "')' is not expected here")]
    public void What_is_not_understood_is_refused(string grammar, string problem) => Assert.Contains(problem,
        Assert.Throws<UserErrorException>(() => TextConstraint.Grammar(grammar, Bytes)).Message, StringComparison.Ordinal);

    [Fact]
    public void An_ambiguous_grammar_is_refused_before_it_takes_exponential_time()
    {
        // Catalan-many ways to read a row of x.
        var constraint = TextConstraint.Grammar("root ::= s\ns ::= \"x\" | \"x\" s s | \"x\" s s s", Bytes);
        var cursor = constraint.Begin();
        var logits = new float[Bytes.VocabSize];
        var error = Assert.Throws<UserErrorException>(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                cursor.Apply(logits.AsSpan(), int.MaxValue, []);
                cursor.Advance('x');
            }
        });
        Assert.Contains("ambiguous", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Right_recursion_needs_no_memory()
    {
        var constraint = TextConstraint.Grammar("root ::= \"x\" root | \"y\"", Bytes);
        var cursor = constraint.Begin();
        for (var i = 0; i < 50_000; i++) cursor.Advance('x');
        cursor.Advance('y');
        Assert.True(cursor.MustEnd);
    }

    [Fact]
    public void A_choice_is_one_of_its_texts()
    {
        string[] texts = ["yes", "no", "nothing", "não"];
        var constraint = TextConstraint.Choice(texts, Bytes);
        var drawn = Enumerable.Range(0, 60).Select(seed => ConstrainedText.Draw(constraint, Bytes, (ulong)seed)).ToHashSet();
        Assert.Equal(texts.Order(StringComparer.Ordinal), drawn.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_token_that_ends_texts_comes_only_where_the_text_may_end()
    {
        // "b" ends texts and is also what the grammar wants next.
        var cursor = TextConstraint.Regex("abc|a", Bytes).Begin();
        var logits = new float[Bytes.VocabSize];
        cursor.Apply(logits, 10, ['b']);
        Assert.Equal(float.NegativeInfinity, logits['b']);
        Assert.Equal(0, logits['a']);
        cursor.Advance('a');
        Array.Clear(logits);
        cursor.Apply(logits, 10, ['b']);
        Assert.Equal(0, logits['b']);
    }

    [Fact]
    public void The_space_that_a_decoder_drops_at_the_beginning_is_not_part_of_the_text()
    {
        var pieces = new PieceTokenizer(" yes", "yes");
        int spaced = pieces.VocabSize - 2, plain = pieces.VocabSize - 1;
        Assert.Equal([spaced, plain], Possible(dropsSpace: true));
        Assert.Equal([plain], Possible(dropsSpace: false));

        int[] Possible(bool dropsSpace)
        {
            var cursor = TextConstraint.Choice(["yes"], pieces).Begin(dropsSpace);
            var logits = new float[pieces.VocabSize];
            cursor.Apply(logits, 10, []);
            return [.. Enumerable.Range(263, 2).Where(token => logits[token] == 0)];
        }
    }

    [Fact]
    public void A_vocabulary_that_cannot_spell_what_must_come_says_so()
    {
        var cursor = TextConstraint.Choice(["yes"], Bytes).Begin();
        var logits = new float[Bytes.VocabSize];
        logits['y'] = float.NegativeInfinity;
        Assert.Contains("cannot be met", Assert.Throws<UserErrorException>(() => cursor.Apply(logits, 10, []))
            .Message, StringComparison.Ordinal);
    }
}
