using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>The parts of JSON texts (RFC 8259), written as models mostly write them: on one line, with at most one space after a colon or a
/// comma. Numbers have so few digits that every reader takes them for the same value.</summary>
internal static class JsonExpressions
{
    /// <summary>The names of rules in <see cref="AnyValue"/>; a JSON pointer cannot be one of them.</summary>
    public const string Value = "value", Object = "object";

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Expression Space = Expression.Optional(Expression.Text(" "));

    public static Expression Comma { get; } = new Expression.Sequence([Expression.Text(","), Space]);

    public static Expression Boolean { get; } = new Expression.Choice([Expression.Text("true"), Expression.Text("false")]);

    public static Expression Null { get; } = Expression.Text("null");

    public static Expression Integer { get; } = RegexReader.Whole(@"0|-?[1-9][0-9]{0,14}");

    public static Expression Number { get; } = RegexReader.Whole(@"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?([eE][+-]?[0-9])?");

    public static Expression AnyString { get; } = String(CharacterAutomaton.Repeated(CodePoints.All, 0, null));

    /// <summary>Every JSON value, as rules.</summary>
    public static IReadOnlyDictionary<string, Expression> AnyValue { get; } = new Dictionary<string, Expression>
    {
        [Value] = new Expression.Choice(
        [
            new Expression.Call(Object), Array([], new Expression.Call(Value), 0, null), AnyString, Number, Boolean, Null,
        ]),
        [Object] = Members([Repeated(Member(AnyString, new Expression.Call(Value)), 0, null)]),
    };

    public static Expression String(CharacterAutomaton content) =>
        new Expression.Sequence([Expression.Text("\""), new Expression.Accepted(content, InJsonString: true), Expression.Text("\"")]);

    /// <summary>A value as it stands, spaces between its parts left out.</summary>
    public static Expression Literal(JsonElement value) => Expression.Text(JsonSerializer.Serialize(value, Plain));

    public static Expression Name(string name) => Expression.Text(JsonSerializer.Serialize(name, Plain));

    public static Expression Member(Expression name, Expression value) =>
        new Expression.Sequence([name, Expression.Text(":"), Space, value]);

    public static Expression Members(IReadOnlyList<(Expression Member, bool Required)> members) => new Expression.Sequence(
        [Expression.Text("{"), new Expression.Separated(members, Comma), Expression.Text("}")]);

    /// <summary>Between two numbers of members with commas between them, as one member of a longer list.</summary>
    public static (Expression Member, bool Required) Repeated(Expression member, int least, int? most)
    {
        if (most == 0) return (Expression.Empty, true);
        var more = new Expression.Repetition(new Expression.Sequence([Comma, member]), Math.Max(least - 1, 0), most - 1);
        return (new Expression.Sequence([member, more]), least > 0);
    }

    /// <param name="first">Items that come first, each of its own kind; fewer come when <paramref name="least"/> allows it.</param>
    /// <param name="rest">All further items; null where there are none.</param>
    public static Expression Array(IReadOnlyList<Expression> first, Expression? rest, int least, int? most)
    {
        var body = Expression.Empty;
        if (rest is not null && !(most <= first.Count))
        {
            var (items, required) = Repeated(rest, Math.Max(least - first.Count, 0), most - first.Count);
            body = required ? items : Expression.Optional(items);
            if (first.Count > 0)
            {
                var after = new Expression.Sequence([Comma, items]);
                body = required ? after : Expression.Optional(after);
            }
        }
        for (var i = Math.Min(first.Count, most ?? int.MaxValue) - 1; i >= 0; i--)
        {
            var item = new Expression.Sequence(i > 0 ? [Comma, first[i], body] : [first[i], body]);
            body = i < least ? item : Expression.Optional(item);
        }
        return new Expression.Sequence([Expression.Text("["), body, Expression.Text("]")]);
    }
}
