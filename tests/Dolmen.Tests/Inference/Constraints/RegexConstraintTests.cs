using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference.Constraints;

/// <summary>Against .NET's own regular expressions.</summary>
public class RegexConstraintTests
{
    private static readonly PieceTokenizer Pieces = new("ab", "abc", "12", "-0", "é", "日本", " a", "aa", "b1");

    private static readonly Gen<string> Atom = Gen.OneOf(
        "a", "b", "1", "é", "日", "\\.", "[ab]", "[^a]", "[a-c1-3]", "\\d", "\\w", "[\\d_-]", ".", "\\x41", "\\u00e9", "(?:ab|1)",
            "(?<n>a)b", "-");

    private static readonly Gen<string> Pattern =
        from parts in Gen.Select(Atom, Gen.OneOf("", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?")).Array[1, 4].Array[1, 3]
        select string.Join('|', parts.Select(alternative => string.Concat(alternative.Select(part => part.Item1 + part.Item2))));

    [Fact]
    public void Every_text_drawn_matches() => Gen.Select(Pattern, Gen.ULong).Sample((pattern, seed) =>
    {
        var text = ConstrainedText.Draw(TextConstraint.Regex(pattern, Pieces), Pieces, seed, tokens: 60);
        // .NET counts a character beyond the 65,536 of the basic plane as two.
        return text is not null && (text.Any(char.IsSurrogate) || Matches(pattern, text));
    }, iter: 400);

    [Fact]
    public void A_text_is_allowed_exactly_if_it_matches() =>
        Gen.Select(Pattern, Gen.OneOf("a", "b", "1", "é", "日", ".", "-", "A", "_", "c").Array[0, 5]).Sample((pattern, letters) =>
        {
            var text = string.Concat(letters);
            return ConstrainedText.Allows(TextConstraint.Regex(pattern, new PieceTokenizer()), text) == Matches(pattern, text);
        }, iter: 2_000);

    [Theory]
    [InlineData("(a", "a '(' is not closed")]
    [InlineData("a)", "a ')' closes nothing")]
    [InlineData("[a", "a '[' is not closed")]
    [InlineData("*a", "'*' has nothing to repeat")]
    [InlineData("(a)\\1", "back-references are not supported")]
    [InlineData("(?=a)b", "look-around and flags are not supported")]
    [InlineData("a\\b", "'\\b' is not supported")]
    [InlineData("a{3,1}", "{3,1} asks for more than it allows")]
    [InlineData("[b-a]", "a range ends before it begins")]
    [InlineData("a$b", "'$' is only understood at the end")]
    [InlineData("a\\", "it ends with a backslash")]
    public void What_is_not_understood_is_refused(string pattern, string problem) =>
        Assert.Contains(problem, Assert.Throws<UserErrorException>(() => TextConstraint.Regex(pattern, Pieces))
            .Message, StringComparison.Ordinal);

    [Fact]
    public void Repetitions_in_repetitions_are_bounded() =>
        Assert.Contains("too large", Assert.Throws<UserErrorException>(
            () => TextConstraint.Regex("((((a{100}){100}){100}){100}){100}", Pieces)).Message, StringComparison.Ordinal);

    [Fact]
    public void Utf8_is_spelled_for_every_code_point()
    {
        // The same set as the runtime's own encoder gives, over all 1,112,064 scalar values.
        var sequences = Utf8Ranges.Of(0, 0xD7FF).Concat(Utf8Ranges.Of(0xE000, CodePoints.Last)).ToList();
        var bytes = new byte[4];
        for (var value = 0; value <= CodePoints.Last; value++)
        {
            if (!Rune.TryCreate(value, out var rune)) continue;
            var length = rune.EncodeToUtf8(bytes);
            var found = sequences.Count(sequence => sequence.Length == length
                && Enumerable.Range(0, length).All(i => bytes[i] >= sequence[i].Low && bytes[i] <= sequence[i].High));
            Assert.Equal(1, found);
        }
        Assert.Equal(1_112_064, sequences.Sum(sequence => sequence.Aggregate(1, (all, range) => all * (range.High - range.Low + 1))));
    }

    // ECMAScript's \d and \w are the ASCII ones; its dot stops at more line ends than .NET's, so that what it allows .NET allows too.
    private static bool Matches(string pattern, string text)
    {
        var ascii = pattern.Replace("[\\d_-]", "[0-9_-]", StringComparison.Ordinal).Replace("\\d", "[0-9]", StringComparison.Ordinal)
            .Replace("\\w", "[0-9A-Za-z_]", StringComparison.Ordinal);
        return Regex.IsMatch(text, $@"\A(?:{ascii})\z", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(10));
    }
}
