using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Methods and members that a template may reach: this list and nothing else.</summary>
internal static class Members
{
    /// <summary>Null where the value has no such member.</summary>
    public static object? Find(object owner, string name)
    {
        if (owner is Undefined undefined) throw new TemplateException($"{undefined.Why}, so it has no member '{name}'");
        if (name.StartsWith('_')) return new Undefined($"'{name}' is closed to templates");
        return owner switch
        {
            Text text => TextMethods.Find(text, name),
            Dict dict => OfDict(dict, name),
            Sequence sequence => OfSequence(sequence, name),
            NamespaceValue space => space.Members.GetValueOrDefault(name),
            LoopState loop => loop.Find(name),
            Cycler cycler => cycler.Find(name),
            Function function when name == "name" => new Text(function.Name),
            _ => null,
        };
    }

    public static object Item(object owner, object key)
    {
        switch (owner, key)
        {
            case (Undefined undefined, _): throw new TemplateException($"{undefined.Why}, so it has no items");
            case (Dict dict, _) when key is not (Sequence or Dict) && dict.TryGet(key, out var entry): return entry;
            case (Sequence { Kind: not SequenceKind.View } sequence, bool or BigInteger):
                return At(PythonNumber.Integer(key)!.Value, sequence.Items.Count) is { } index ? sequence.Items[index]
                    : new Undefined($"a {Python.TypeName(owner)} of {sequence.Items.Count} items has no item {key}");
            case (Text text, bool or BigInteger):
                if (At(PythonNumber.Integer(key)!.Value, CodePoints.Count(text.Value)) is not { } place)
                    return new Undefined($"a string of {text.Length} characters has no character {key}");
                var start = CodePoints.Offset(text.Value, place);
                return text.Slice(start, CodePoints.UnitsAt(text.Value, start));
            case (_, Text name): return Find(owner, name.Value) ?? Python.NoMember(owner, name.Value);
            default: return new Undefined($"{Python.Named(owner)} has no item {Python.Named(key)}");
        }
    }

    private static int? At(BigInteger index, int count) =>
        index >= -count && index < count ? (int)(index.Sign < 0 ? index + count : index) : null;

    private static object? OfDict(Dict dict, string name) => name switch
    {
        "items" => new Function("items", (_, arguments) => View(arguments, "items", Pairs(dict))),
        "keys" => new Function("keys", (_, arguments) => View(arguments, "keys", [.. dict.Keys])),
        "values" => new Function("values", (_, arguments) => View(arguments, "values", [.. dict.Values])),
        "copy" => new Function("copy", (_, arguments) => Same(dict, arguments)),
        "get" => new Function("get", (_, arguments) =>
        {
            var given = arguments.Bind("get", "key", "default");
            return dict.TryGet(Arguments.Needed(given[0], "get", "key"), out var value) ? value : given[1] ?? None.Value;
        }),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => Forbidden("dictionary", name),
        _ => null,
    };

    public static IReadOnlyList<object> Pairs(Dict dict) => [.. dict.Entries.Select(entry => Sequence.Tuple(entry.Key, entry.Value))];

    private static Sequence View(Arguments arguments, string name, IReadOnlyList<object> items)
    {
        arguments.Bind(name);
        return new Sequence(items, SequenceKind.View);
    }

    private static object? OfSequence(Sequence sequence, string name) =>
        (name, sequence.Kind) switch
        {
            (_, SequenceKind.View) => null,
            ("count", _) => new Function(
                "count",
                (rendering, arguments) =>
                {
                    var item = Arguments.Needed(arguments.Bind("count", "value")[0], "count", "value");
                    return new BigInteger(sequence.Items.Count(one => Comparing.AreEqual(one, item, rendering.Budget)));
                }
            ),
            ("index", _) => new Function(
                "index",
                (rendering, arguments) =>
                {
                    var item = Arguments.Needed(arguments.Bind("index", "value")[0], "index", "value");
                    for (var i = 0; i < sequence.Items.Count; i++)
                        if (Comparing.AreEqual(sequence.Items[i], item, rendering.Budget))
                            return new BigInteger(i);
                    throw new TemplateException($"index: {Python.Named(item)} is not in the list");
                }
            ),
            ("copy", SequenceKind.List) => new Function("copy", (_, arguments) => Same(sequence, arguments)),
            ("append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove", SequenceKind.List) => Forbidden(
                "list",
                name
            ),
            _ => null,
        };

    /// <summary>What never changes needs no copy.</summary>
    private static object Same(object owner, Arguments arguments)
    {
        arguments.Bind("copy");
        return owner;
    }

    private static Undefined Forbidden(string type, string name) =>
        new($"'{name}' would change a {type}, which a template may not do; make another with + or a filter, and keep it in a namespace()");
}
