using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Dolmen.Templates;

// A value is one of: None, Undefined, bool, BigInteger, double, Text, Sequence, Dict, Generator, NamespaceValue, Function and what a loop
// or a cycler hands out. No other .NET object ever gets in, so a template has nothing to break out of.

public sealed class None
{
    public static readonly None Value = new();

    private None() { }
}

/// <summary>A name or member that is not there. It prints as nothing and counts as false; using it says <paramref name="why"/>.</summary>
internal sealed class Undefined(string why)
{
    public string Why { get; } = why;
}

public enum SequenceKind { List, Tuple, Range, View }

/// <summary>Python's list, tuple, range and dictionary views. Never changed: the sandbox allows no append.</summary>
public sealed class Sequence(IReadOnlyList<object> items, SequenceKind kind = SequenceKind.List)
{
    public IReadOnlyList<object> Items { get; } = items;

    public SequenceKind Kind { get; } = kind;

    public static Sequence Tuple(params object[] items) => new(items, SequenceKind.Tuple);
}

/// <summary>Items that can be walked through once, as Python's generators.</summary>
internal sealed class Generator(IEnumerable<object> items)
{
    private readonly IEnumerator<object> _items = items.GetEnumerator();

    public bool Next([NotNullWhen(true)] out object? item)
    {
        item = _items.MoveNext() ? _items.Current : null;
        return item is not null;
    }
}

/// <summary>A dictionary in the order of insertion. A template cannot change it.</summary>
public sealed class Dict
{
    private readonly OrderedDictionary<object, object> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IList<object> Keys => _entries.Keys;

    public IList<object> Values => _entries.Values;

    public IEnumerable<KeyValuePair<object, object>> Entries => _entries;

    public bool TryGet(object key, [NotNullWhen(true)] out object? value) => _entries.TryGetValue(Key(key), out value);

    public bool TryGet(string key, [NotNullWhen(true)] out object? value) => TryGet(new Text(key), out value);

    /// <summary>The value of a key that is there already is replaced.</summary>
    public void Set(object key, object value) => _entries[Key(key)] = value;

    private static object Key(object key) =>
        IsSimple(key) || (key is Sequence { Kind: SequenceKind.Tuple } tuple && tuple.Items.All(IsSimple))
            ? key
            : throw new TemplateException($"a {Python.TypeName(key)} cannot be a key of a dictionary");

    private static bool IsSimple(object key) => key is None or Undefined or bool or BigInteger or double or Text;
}

/// <summary>What <c>namespace()</c> makes: the only value whose members a template may set.</summary>
internal sealed class NamespaceValue
{
    public Dictionary<string, object> Members { get; } = new(StringComparer.Ordinal);
}

/// <summary>Anything that can be called.</summary>
internal class Function(string name, Func<Rendering, Arguments, object> body)
{
    public string Name { get; } = name;

    public virtual object Call(Rendering rendering, Arguments arguments) => body(rendering, arguments);
}

internal sealed class KeyComparer : IEqualityComparer<object>
{
    public static readonly KeyComparer Instance = new();

    public new bool Equals(object? left, object? right) => Comparing.AreEqual(left!, right!, null);

    public int GetHashCode(object value) => value switch
    {
        bool flag => new BigInteger(flag ? 1 : 0).GetHashCode(),
        double number when double.IsInteger(number) => new BigInteger(number).GetHashCode(),
        Text text => text.Value.GetHashCode(StringComparison.Ordinal),
        Sequence tuple => tuple.Items.Count,
        Undefined => 0,
        _ => value.GetHashCode(),
    };
}
