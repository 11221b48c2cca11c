namespace Dolmen.Templates;

/// <summary>A template that cannot be read or rendered, and where. Who renders it for a user says so to the user.</summary>
public sealed class TemplateException(string what, int line = 0) : Exception(what)
{
    /// <summary>The line in the template, from 1; 0 where it is not known.</summary>
    public int Line { get; internal set; } = line;

    /// <summary>The template itself refused, with a sentence of its own.</summary>
    public bool Raised { get; internal init; }

    /// <summary>The name that was not found, where that is what is wrong.</summary>
    public string? UnknownName { get; private init; }

    /// <summary>The names that would have been found in its place.</summary>
    public IReadOnlyCollection<string> KnownNames { get; private init; } = [];

    internal static TemplateException Unknown(string kind, string name, IEnumerable<string> known, int line = 0) =>
        new($"there is no {kind} '{name}'", line) { UnknownName = name, KnownNames = [.. known] };
}
