using System.Text;
using Dolmen.Artifacts;
using Dolmen.Tokenization.Oniguruma;

namespace Dolmen.Tokenization;

/// <summary>One step of tokenizer.json's decoder: the texts of tokens in, texts out. What the last step leaves is put together.</summary>
internal abstract class DecoderStep
{
    /// <param name="tokens">Of all tokens, or what the step before left.</param>
    /// <param name="longest">The most characters that may come of them.</param>
    /// <exception cref="UserErrorException">More than that.</exception>
    public abstract List<string> Apply(List<string> tokens, long longest);

    protected internal static void Check(long length, long longest)
    {
        if (length > longest)
            throw new UserErrorException(
                $"The tokenizer's decoder makes more than {longest} characters of these tokens: its replacements "
                    + "let the text grow without end. Use a tokenizer.json whose decoder does not."
            );
    }
}

/// <summary>A step that sees one text at a time.</summary>
/// <param name="change">What becomes of a text.</param>
/// <param name="reach">As many characters at the end of a text may change when more are put behind it.</param>
internal sealed class EachTokenStep(Func<string, long, string> change, int reach) : DecoderStep
{
    /// <summary>A pattern may reach any length: all of a text waits.</summary>
    public const int Any = 1 << 28;

    public int Reach => reach;

    /// <summary>Takes one space from the beginning and does nothing else.</summary>
    public bool IsOneSpace { get; private init; }

    public override List<string> Apply(List<string> tokens, long longest) => tokens.ConvertAll(token => change(token, longest));

    public static EachTokenStep Replace(string from, string to) => new((token, longest) =>
    {
        if (to.Length > from.Length) Check(token.Length + (long)token.AsSpan().Count(from) * (to.Length - from.Length), longest);
        return token.Replace(from, to, StringComparison.Ordinal);
    }, Math.Max(from.Length, to.Length));

    public static EachTokenStep Replace(OnigurumaRegex pattern, string to) => new((token, longest) =>
    {
        var matches = new List<(int Start, int End)>();
        pattern.Match(token, matches);
        Check((long)matches.Count * to.Length, longest);
        return OnigurumaRegex.Replace(token, matches, to);
    }, Any);

    /// <summary>Takes a character away at the beginning and at the end of a token, at most as often as is said.</summary>
    public static EachTokenStep Strip(char content, int start, int stop) => new((token, _) =>
    {
        var (from, to) = (0, token.Length);
        while (from < start && from < token.Length && token[from] == content) from++;
        while (token.Length - to < stop && to > from && token[to - 1] == content) to--;
        return token[from..to];
    }, start + stop) { IsOneSpace = (content, start, stop) == (' ', 1, 0) };
}

/// <summary>The characters that stand for bytes become the bytes, all tokens' together; a token with any other character is
/// itself.</summary>
internal sealed class ByteLevelStep : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens) bytes.AddRange(ByteAlphabet.ToBytes(token) ?? Encoding.UTF8.GetBytes(token));
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}

/// <summary>A run of tokens like &lt;0x0A&gt; becomes the text of its bytes; where they are none, U+FFFD for each.</summary>
internal sealed class ByteFallbackStep : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest)
    {
        var (result, run) = (new List<string>(tokens.Count), new List<byte>());
        foreach (var token in tokens)
        {
            if (SentencePieceTokenizer.ByteOf(token) is { } value)
            {
                run.Add(value);
                continue;
            }
            End();
            result.Add(token);
        }
        End();
        return result;

        void End()
        {
            if (run.Count == 0) return;
            if (TokenText.IsWhole([.. run])) result.Add(Encoding.UTF8.GetString([.. run]));
            else result.AddRange(Enumerable.Repeat("\uFFFD", run.Count));
            run.Clear();
        }
    }
}

internal sealed class FuseStep : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest) => [string.Concat(tokens)];
}

/// <summary>The character for a space becomes one, but in the first token nothing where encoding put it there.</summary>
internal sealed class MetaspaceStep(string replacement, bool prefix) : DecoderStep
{
    public bool Prefix => prefix;

    public override List<string> Apply(List<string> tokens, long longest) =>
        [.. tokens.Select((token, i) => token.Replace(replacement, i == 0 && prefix ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>A word's end is a space, but at the end of the text.</summary>
internal sealed class WordEndStep(string suffix) : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest) =>
        [.. tokens.Select((token, i) => token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>Spaces stand between tokens.</summary>
internal sealed class SpacesBetweenStep : DecoderStep
{
    public override List<string> Apply(List<string> tokens, long longest) => [string.Join(' ', tokens)];
}
