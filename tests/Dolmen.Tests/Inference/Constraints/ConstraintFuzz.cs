using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference.Constraints;

/// <summary>Regular expressions, grammars and schemas that are random or damaged: each is refused in words or holds a text, within bounded
/// memory, and its masks are what the tokens say one by one.</summary>
public class ConstraintFuzz
{
    private const long MostBytes = 1L << 30;                             // allocated for one form; what blows up takes far more

    private static readonly PieceTokenizer Pieces = new("ab", "\":", "{\"", "true", "12", "é", "日本", "\n\n", "aaa", " the");

    private static readonly string[] Patterns =
    [
        "([A-Za-z ]+[.!?] )+", "\\d{1,3}(\\.\\d{1,3}){3}", "(a|ab)*c", "[^\\n\"]{2,40}", "(?:x{0,9}){0,9}", "^(yes|no|日本)?$", 
        "\\w+@\\w+\\.[a-z]{2,}",
        "((a*)*)*b", "(a|a|a)+", ".{0,60}x",
    ];

    private static readonly string[] Grammars =
    [
        "root ::= expr \"\\n\"\nexpr ::= term ([-+] term)*\nterm ::= num | \"(\" expr \")\"\nnum ::= [0-9]{1,3}",
        "root ::= item{2,}\nitem ::= \"x\" |\n  \"y\" item?",
        "root ::= a | b\na ::= \"a\" a | \"a\"\nb ::= \"a\" b \"b\" | \"\"",
        "root ::= [^\\n\"] . \"\\u00e9\"* # comment",
    ];

    private static readonly string[] Parts =
    [
        "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "^", "$", ".", "\\", "\\d", "\\w", "\\u", "{0,9}", "{99999}", "{2,}", "(?:",
        "(?=", "[^", "-",
        "\"", "::=", "root", "a", "\n", "é", "\0", "\\1", "{,5}", "[a-", "\U0001F600", "\\p{L}", "true", "null", ":", ",",
    ];

    [Fact]
    public void No_regular_expression_breaks_it() => Search(6000, Patterns, text => TextConstraint.Regex(text, Pieces));

    [Fact]
    public void No_grammar_breaks_it() => Search(6000, Grammars, text => TextConstraint.Grammar(text, Pieces));

    [Fact]
    public void No_schema_breaks_it()
    {
        string[] schemas = [.. Enumerable.Range(0, 60).Select(seed => RandomSchema.Of((ulong)seed).ToJsonString())];
        Search(3000, schemas, text =>
        {
            using var schema = Parsed(text);
            return schema is null ? null : TextConstraint.JsonSchema(schema.RootElement, Pieces);
        });
    }

    private static void Search(int cases, string[] samples, Func<string, TextConstraint?> compile)
    {
        var accepted = 0;
        foreach (var seed in FuzzTime.Seeds(cases))
        {
            var text = Damaged(samples, seed);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                if (compile(text) is not { } form) continue;
                Follow(form, seed);
                accepted++;
            }
            catch (UserErrorException) { }                               // refused in words, at once or where no token fits
            catch (Exception error)
            {
                Assert.Fail($"Case {seed}: {error}\n{text}");
            }
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < MostBytes, $"Case {seed} took {taken >> 20} MB:\n{text}");
        }
        Assert.True(accepted > cases / 20, $"only {accepted} forms were accepted");
    }

    /// <summary>Draws a text; every mask on the way must allow just the tokens that the cursor can go on by.</summary>
    private static void Follow(TextConstraint form, ulong seed)
    {
        var (cursor, random) = (form.Begin(), new StableRandom(seed));
        var logits = new float[Pieces.VocabSize];
        for (var step = 0; step < 12; step++)
        {
            Array.Clear(logits);
            if (!cursor.Apply(logits, int.MaxValue, [])) return;
            var possible = new List<int>();
            for (var token = 0; token < logits.Length; token++)
            {
                var allowed = logits[token] == 0;
                if (allowed) possible.Add(token);
                if (step < 4 && !Pieces.IsSpecial(token)) Assert.Equal(cursor.Fork().TryAdvance(token), allowed);
            }
            cursor.Advance(possible[random.Next(possible.Count)]);
        }
    }

    private static string Damaged(string[] samples, ulong seed)
    {
        var random = new StableRandom(seed);
        random.NextUInt64();
        var text = new StringBuilder(random.Next(4) == 0 ? "" : samples[random.Next(samples.Length)]);
        for (var changes = random.Next(6); changes > 0 || text.Length == 0; changes--)
        {
            var at = random.Next(text.Length + 1);
            switch (random.Next(4))
            {
                case 0 when at < text.Length:
                    text.Remove(at, Math.Min(text.Length - at, 1 + random.Next(4)));
                    break;
                case 1 when at < text.Length:
                    var piece = text.ToString(at, Math.Min(text.Length - at, 1 + random.Next(20)));
                    for (var times = 1 + random.Next(random.Next(8) == 0 ? 200 : 3); times > 0; times--) text.Insert(at, piece);
                    break;
                default:
                    text.Insert(at, Parts[random.Next(Parts.Length)]);
                    break;
            }
        }
        return text.ToString();
    }

    private static JsonDocument? Parsed(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (Exception error) when (error is JsonException or ArgumentException)     // half a surrogate pair
        {
            return null;
        }
    }
}
