namespace Dolmen.Artifacts;

/// <summary>The beginning of a text, cut between characters: never between the halves of a surrogate pair.</summary>
public static class TextStart
{
    public static string Of(string text, int most) => text[..Length(text, most)];

    /// <summary>How long a beginning of at most <paramref name="most"/> chars is.</summary>
    public static int Length(ReadOnlySpan<char> text, int most)
    {
        if (text.Length <= most) return text.Length;
        return most > 0 && char.IsHighSurrogate(text[most - 1]) && char.IsLowSurrogate(text[most]) ? most - 1 : most;
    }
}
