namespace Dolmen.Tokenization.Jinja;

/// <summary>A template that cannot be read or rendered, and where; <see cref="ChatTemplate"/> says so to the user.</summary>
internal sealed class TemplateException(string what, int line = 0) : Exception(what)
{
    /// <summary>In the template, from 1; 0 where it is not known yet.</summary>
    public int Line { get; } = line;

    /// <summary>The template itself refused, with a sentence of its own.</summary>
    public bool Raised { get; init; }
}
