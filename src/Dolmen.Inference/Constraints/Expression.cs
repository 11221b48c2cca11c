namespace Dolmen.Inference.Constraints;

/// <summary>What a text, or a part of one, may be.</summary>
internal abstract record Expression
{
    public static Expression Empty { get; } = new Sequence([]);

    public static Expression Text(string text) =>
        text.Length == 0 ? Empty : new Sequence([.. text.EnumerateRunes().Select(rune => new Characters(CodePoints.Of(rune.Value)))]);

    public static Expression Optional(Expression body) => new Repetition(body, 0, 1);

    /// <summary>One character of the set.</summary>
    internal sealed record Characters(CodePoints Set) : Expression;

    internal sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

    internal sealed record Choice(IReadOnlyList<Expression> Options) : Expression;

    /// <param name="Most">Null sets no limit.</param>
    internal sealed record Repetition(Expression Body, int Least, int? Most) : Expression;

    /// <summary>A rule of the grammar by name; rules may call themselves.</summary>
    internal sealed record Call(string Rule) : Expression;

    /// <summary>A text that the automaton accepts, spelled as the inside of a JSON string (RFC 8259 §7) or as it is.</summary>
    internal sealed record Accepted(CharacterAutomaton Automaton, bool InJsonString) : Expression;

    /// <summary>Members one after the other in this order, a separator between any two that are there.</summary>
    internal sealed record Separated(IReadOnlyList<(Expression Member, bool Required)> Members, Expression Separator) : Expression;
}
