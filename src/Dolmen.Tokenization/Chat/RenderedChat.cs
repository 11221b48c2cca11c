namespace Dolmen.Tokenization;

/// <summary>A part of a text from <paramref name="Start"/> on, in UTF-16 units.</summary>
public readonly record struct TextSpan(int Start, int Length)
{
    public int End => Start + Length;
}

/// <summary>A conversation as a chat template writes it.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Generated">What stood within <c>{% generation %}</c>, in order.</param>
/// <param name="FromData">What came from messages, tools or variables and not from the template, in order.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<TextSpan> Generated, IReadOnlyList<TextSpan> FromData)
{
    /// <summary>The part of <see cref="FromData"/> that is not the assistant's own words.</summary>
    internal IReadOnlyList<TextSpan> FromOthers { get; init; } = [];
}
