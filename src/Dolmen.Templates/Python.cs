using System.Numerics;

namespace Dolmen.Templates;

/// <summary>What Python says of a value: its truth, its type's name, its items, its text.</summary>
internal static class Python
{
    public static bool IsTrue(object value) => value switch
    {
        bool flag => flag,
        None or Undefined => false,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        Text text => text.Length > 0,
        Sequence sequence => sequence.Items.Count > 0,
        Dict dict => dict.Count > 0,
        _ => true,
    };

    public static string TypeName(object value) => value switch
    {
        None => "None",
        Undefined => "undefined value",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        Text => "string",
        Sequence { Kind: SequenceKind.List } => "list",
        Sequence { Kind: SequenceKind.Tuple } => "tuple",
        Sequence { Kind: SequenceKind.Range } => "range",
        Sequence => "view of a dictionary",
        Dict => "dictionary",
        Generator => "generator",
        NamespaceValue => "namespace",
        LoopState => "loop",
        Function => "function",
        _ => "object",
    };

    /// <summary>How a message names a value: a short one as it is, others by their type.</summary>
    public static string Named(object value) => value switch
    {
        Undefined undefined => $"an undefined value ({undefined.Why})",
        None => "None",
        bool flag => flag ? "True" : "False",
        BigInteger number when number < 1_000_000 && number > -1_000_000 => number.ToString(),
        Text { Length: < 30 } text => $"'{text.Value.Replace("\n", "\\n", StringComparison.Ordinal)}'",
        _ => "a " + TypeName(value),
    };

    public static Undefined NoMember(object owner, string name) => new(owner is None
        ? $"None has no member '{name}'" : $"a {TypeName(owner)} has no member '{name}'");

    /// <summary>The items one after the other: a string's characters, a dictionary's keys.</summary>
    public static IEnumerable<object> Items(object value) => value switch
    {
        Sequence sequence => sequence.Items,
        Dict dict => dict.Keys,
        Text text => CodePoints.Each(text),
        Generator generator => Rest(generator),
        Undefined => [],
        _ => throw new TemplateException($"{Named(value)} has no items to go through"),
    };

    public static bool IsIterable(object value) => value is Sequence or Dict or Text or Generator or Undefined;

    public static List<object> ListOf(object value, Rendering rendering)
    {
        var items = new List<object>();
        foreach (var item in Items(value))
        {
            rendering.Budget.Step();
            items.Add(item);
        }
        return items;
    }

    public static int Length(object value) => value switch
    {
        Text text => CodePoints.Count(text.Value),
        Sequence sequence => sequence.Items.Count,
        Dict dict => dict.Count,
        Undefined => 0,
        _ => throw new TemplateException($"{Named(value)} has no length"),
    };

    private static IEnumerable<object> Rest(Generator generator)
    {
        while (generator.Next(out var item)) yield return item;
    }
}
