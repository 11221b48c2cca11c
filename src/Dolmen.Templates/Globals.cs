using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Functions that every template knows.</summary>
internal static class Globals
{
    private static readonly Dictionary<string, Function> All = new Function[]
    {
        new("range", Range),
        new("dict", (_, arguments) => Dict(arguments)),
        new("namespace", (_, arguments) => Namespace(arguments)),
        new("cycler", (_, arguments) => arguments.Positional.Count > 0 ? new Cycler(arguments.Positional)
            : throw new TemplateException("cycler needs the values to go through")),
        new("joiner", (rendering, arguments) => Joiner(arguments, rendering)),
        new(
            "raise_exception",
            (rendering, arguments) =>
                throw new TemplateException(
                    Printing
                        .Text(Arguments.Needed(arguments.Bind("raise_exception", "message")[0], "raise_exception", "message"), rendering)
                        .Value
                )
                {
                    Raised = true,
                }
        ),
        new(
            "strftime_now",
            (rendering, arguments) =>
                new Text(
                    StrFTime.Format(
                        rendering.Clock.GetUtcNow(),
                        Arguments.Text(arguments.Bind("strftime_now", "format")[0], "strftime_now", "format").Value
                    )
                )
        ),
    }.ToDictionary(function => function.Name, StringComparer.Ordinal);

    public static Function? Find(string name) => All.GetValueOrDefault(name);

    private static Sequence Range(Rendering rendering, Arguments arguments)
    {
        var given = arguments.Bind("range", "start", "stop", "step");
        Arguments.Needed(given[0], "range", "stop");
        int At(int index, int otherwise) => Arguments.Int32(given[index], "range", "bound", otherwise);
        return new Sequence(given[1] is null ? new Range(0, At(0, 0), 1) : new Range(At(0, 0), At(1, 0), At(2, 1)), SequenceKind.Range);
    }

    private static Dict Dict(Arguments arguments)
    {
        var dict = new Dict();
        foreach (var source in arguments.Positional)
        {
            if (source is Dict other)
            {
                foreach (var (key, value) in other.Entries) dict.Set(key, value);
                continue;
            }
            foreach (var pair in Python.Items(source))
                dict.Set((pair as Sequence)?.Items is [var key, var value] ? key
                    : throw new TemplateException($"dict needs pairs of a key and a value, not {Python.Named(pair)}"), value);
        }
        foreach (var (name, value) in arguments.Named) dict.Set(new Text(name), value);
        return dict;
    }

    private static NamespaceValue Namespace(Arguments arguments)
    {
        var space = new NamespaceValue();
        foreach (var (key, value) in Dict(arguments).Entries) space.Members[Arguments.Text(key, "namespace", "name").Value] = value;
        return space;
    }

    private static Function Joiner(Arguments arguments, Rendering rendering)
    {
        var between = arguments.Bind("joiner", "sep")[0] ?? new Text(", ");
        var used = false;
        return new Function("joiner", (_, _) =>
        {
            var value = used ? between : Text.Empty;
            used = true;
            return value;
        });
    }
}

/// <summary>Values handed out in turn.</summary>
internal sealed class Cycler(IReadOnlyList<object> values)
{
    private int _at;

    public object? Find(string name) => name switch
    {
        "current" => values[_at],
        "next" => new Function("next", (_, _) =>
        {
            var value = values[_at];
            _at = (_at + 1) % values.Count;
            return value;
        }),
        "reset" => new Function("reset", (_, _) =>
        {
            _at = 0;
            return None.Value;
        }),
        _ => null,
    };
}
