using System.Text;
using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>
/// The four normalization forms of Unicode (annex 15). Dolmen runs without ICU, where <see cref="string.Normalize()"/> leaves every text
/// as it is.
/// </summary>
internal sealed class UnicodeNormalizer(bool compose, bool compatibility) : Normalizer
{
    private readonly UnicodeForms _forms = UnicodeForms.Instance;

    public override bool Keeps(ReadOnlySpan<char> text)
    {
        // What lies below is its own form: of Latin-1 only the compatibility characters are not, and decomposing takes é apart.
        var lowest = compatibility || !compose ? '\u00A0' : '\u0300';
        if (text.IndexOfAnyExceptInRange('\0', (char)(lowest - 1)) is not (var at and >= 0)) return true;
        if (!compose) return false;
        foreach (var rune in text[at..].EnumerateRunes())
            if (_forms.MayChange(rune.Value, compatibility)) return false;
        return true;
    }

    public override string Apply(string text, long longest)
    {
        if (Keeps(text)) return text;
        var points = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes()) _forms.Decompose(rune.Value, compatibility, points);
        _forms.Order(points);
        if (compose) _forms.Compose(points);
        var result = new StringBuilder(points.Count);
        Span<char> units = stackalloc char[2];
        foreach (var point in points) result.Append(units[..new Rune(point).EncodeToUtf16(units)]);
        return result.ToString();
    }

    public override void Write(Utf8JsonWriter json) => json.WriteString("type", $"NF{(compatibility ? "K" : "")}{(compose ? "C" : "D")}");
}
