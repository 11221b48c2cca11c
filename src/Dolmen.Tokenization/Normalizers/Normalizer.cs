using System.Globalization;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization.Oniguruma;

namespace Dolmen.Tokenization;

/// <summary>Changes a text before it is cut. What it makes of a text is bounded, whatever a file's steps do one after the other. Safe to
/// use from several threads at once.</summary>
internal abstract class Normalizer
{
    /// <summary>The compatibility form of one character has at most 18; no vocabulary in use makes more of a text.</summary>
    private const int MostGrowth = 20;

    private const int AlwaysAllowed = 1 << 16;

    /// <exception cref="UserErrorException">The text would grow beyond all use.</exception>
    public string Apply(string text) => Apply(text, AlwaysAllowed + (long)MostGrowth * text.Length);

    /// <param name="longest">The most characters that may come of it.</param>
    public abstract string Apply(string text, long longest);

    /// <exception cref="UserErrorException">More than the longest.</exception>
    internal static void Check(long length, long longest)
    {
        if (length > longest)
            throw new UserErrorException(
                $"The tokenizer's normalizer makes more than {longest} characters of a text of "
                    + $"{(longest - AlwaysAllowed) / MostGrowth}: its replacements let the text grow without end. Use a tokenizer.json "
                    + $"whose normalizer does not."
            );
    }

    /// <summary>True where <see cref="Apply(string)"/> is known to change nothing, so that no string need be made.</summary>
    public virtual bool Keeps(ReadOnlySpan<char> text) => false;

    /// <summary>The members of tokenizer.json that say the same.</summary>
    public abstract void Write(Utf8JsonWriter json);
}

internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> steps) : Normalizer
{
    public override string Apply(string text, long longest)
    {
        foreach (var step in steps)
        {
            text = step.Apply(text, longest);
            Check(text.Length, longest);
        }
        return text;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        foreach (var step in steps)
        {
            json.WriteStartObject();
            step.Write(json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <summary>Puts a text before what is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    public override string Apply(string text, long longest) => text.Length == 0 ? text : prefix + text;

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Prepend");
        json.WriteString("prepend", prefix);
    }
}

internal sealed class ReplaceNormalizer(string from, string to) : Normalizer
{
    public override string Apply(string text, long longest)
    {
        if (to.Length > from.Length) Check(text.Length + (long)text.AsSpan().Count(from) * (to.Length - from.Length), longest);
        return text.Replace(from, to, StringComparison.Ordinal);
    }

    public override bool Keeps(ReadOnlySpan<char> text) => !text.Contains(from, StringComparison.Ordinal);

    public override void Write(Utf8JsonWriter json) => Write(json, "String", from, to);

    /// <param name="kind">String or Regex.</param>
    internal static void Write(Utf8JsonWriter json, string kind, string pattern, string to)
    {
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString(kind, pattern);
        json.WriteEndObject();
        json.WriteString("content", to);
    }
}

internal sealed class RegexReplaceNormalizer(OnigurumaRegex pattern, string to) : Normalizer
{
    /// <exception cref="UserErrorException">The pattern takes too long, or the text grows too much.</exception>
    public override string Apply(string text, long longest)
    {
        var matches = new List<(int Start, int End)>();
        pattern.Match(text, matches);
        Check(text.Length + (long)matches.Count * to.Length, longest + text.Length);
        return OnigurumaRegex.Replace(text, matches, to);
    }

    public override void Write(Utf8JsonWriter json) => ReplaceNormalizer.Write(json, "Regex", pattern.Pattern, to);
}

internal sealed class LowercaseNormalizer : Normalizer
{
    // İ is the only character whose small letter is two characters.
    public override string Apply(string text, long longest) => text.ToLowerInvariant().Replace("İ", "i\u0307", StringComparison.Ordinal);

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", "Lowercase");
}

internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override string Apply(string text, long longest) => (left, right) switch
    {
        (true, true) => text.Trim(),
        (true, false) => text.TrimStart(),
        (false, true) => text.TrimEnd(),
        _ => text,
    };

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Strip");
        json.WriteBoolean("strip_left", left);
        json.WriteBoolean("strip_right", right);
    }
}

/// <summary>Takes away the marks that stand over and under letters, where a decomposition has set them apart.</summary>
internal sealed class StripAccentsNormalizer : Normalizer
{
    public override string Apply(string text, long longest)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (
                Rune.GetUnicodeCategory(rune)
                is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)
            )
                kept.Append(rune.ToString());
        }
        return kept.ToString();
    }

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", "StripAccents");
}

/// <summary>Writes the characters that stand for a text's bytes in byte-level vocabularies.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override string Apply(string text, long longest) => ByteAlphabet.ToText(Encoding.UTF8.GetBytes(text));

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", "ByteLevel");
}
