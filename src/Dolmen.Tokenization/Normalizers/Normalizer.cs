using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Changes a text before it is cut. Safe to use from several threads at once.</summary>
internal abstract class Normalizer
{
    public abstract string Apply(string text);

    /// <summary>True where <see cref="Apply"/> is known to change nothing, so that no string need be made.</summary>
    public virtual bool Keeps(ReadOnlySpan<char> text) => false;

    /// <summary>The members of tokenizer.json that say the same.</summary>
    public abstract void Write(Utf8JsonWriter json);
}

internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> steps) : Normalizer
{
    public override string Apply(string text)
    {
        foreach (var step in steps) text = step.Apply(text);
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
    public override string Apply(string text) => text.Length == 0 ? text : prefix + text;

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Prepend");
        json.WriteString("prepend", prefix);
    }
}

internal sealed class ReplaceNormalizer(string from, string to) : Normalizer
{
    public override string Apply(string text) => text.Replace(from, to, StringComparison.Ordinal);

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

internal sealed class RegexReplaceNormalizer(Regex pattern, string to) : Normalizer
{
    /// <exception cref="UserErrorException">The pattern takes too long.</exception>
    public override string Apply(string text)
    {
        try
        {
            return pattern.Replace(text, _ => to);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new UserErrorException($"The normalizer's pattern {pattern} takes more than {pattern.MatchTimeout.TotalSeconds:0} seconds on a " +
                $"text of {text.Length} characters: it tries too many ways to match. Use a tokenizer without it.", error);
        }
    }

    public override void Write(Utf8JsonWriter json) => ReplaceNormalizer.Write(json, "Regex", pattern.ToString(), to);
}

internal sealed class LowercaseNormalizer : Normalizer
{
    public override string Apply(string text) => text.ToLowerInvariant();

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", "Lowercase");
}

internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override string Apply(string text) => (left, right) switch
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
    public override string Apply(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)) kept.Append(rune.ToString());
        }
        return kept.ToString();
    }

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", "StripAccents");
}
