namespace Dolmen.Templates;

/// <summary>Where a piece of text comes from.</summary>
[Flags]
public enum Origin : byte
{
    /// <summary>Written in the template, or a control token's name.</summary>
    Template = 0,

    /// <summary>Text from a message, a tool or another variable: it must never become a control token.</summary>
    Data = 1,

    /// <summary>Within <c>{% generation %}</c>: what the assistant says.</summary>
    Generated = 2,

    /// <summary>Data that is not the assistant's own words.</summary>
    Others = 4,
}

/// <summary>The origin of a text from <paramref name="Start"/> to the next mark's start, or to its end.</summary>
public readonly record struct Mark(int Start, Origin Origin);
