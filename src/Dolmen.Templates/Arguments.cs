using System.Numerics;

namespace Dolmen.Templates;

/// <summary>What a filter, a test, a method or a macro is called with.</summary>
internal sealed record Arguments(IReadOnlyList<object> Positional, IReadOnlyList<KeyValuePair<string, object>> Named)
{
    public static readonly Arguments None = new([], []);

    /// <summary>The values in the order of <paramref name="names"/>; null for those that were not given.</summary>
    /// <exception cref="TemplateException">Too many, an unknown name, or one given twice.</exception>
    public object?[] Bind(string function, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > names.Length)
            throw new TemplateException(names.Length == 0 ? $"{function} takes no argument but was given {Positional.Count}"
                : $"{function} takes at most {names.Length} arguments ({string.Join(", ", names!)}) but was given {Positional.Count}");
        var values = new object?[names.Length];
        for (var i = 0; i < Positional.Count; i++) values[i] = Positional[i];
        foreach (var (name, value) in Named)
        {
            var at = names.IndexOf(name);
            if (at < 0) throw new TemplateException($"{function} has no argument named '{name}'");
            if (values[at] is not null) throw new TemplateException($"{function} was given '{name}' twice");
            values[at] = value;
        }
        return values;
    }

    /// <exception cref="TemplateException">It was not given.</exception>
    public static object Needed(object? value, string function, string name) =>
        value ?? throw new TemplateException($"{function} needs the argument '{name}'");

    public static Text Text(object? value, string function, string name, string? otherwise = null) => value switch
    {
        Text text => text,
        null when otherwise is not null => new Text(otherwise),
        null => throw new TemplateException($"{function} needs the argument '{name}'"),
        _ => throw new TemplateException($"{function}: '{name}' must be a string, not {Python.Named(value)}"),
    };

    public static int Int32(object? value, string function, string name, int otherwise) => value switch
    {
        null => otherwise,
        bool flag => flag ? 1 : 0,
        BigInteger number when number >= int.MinValue && number <= int.MaxValue => (int)number,
        BigInteger number => number > 0 ? int.MaxValue : int.MinValue,
        _ => throw new TemplateException($"{function}: '{name}' must be a whole number, not {Python.Named(value)}"),
    };

    public static bool Flag(object? value) => value is not null && Python.IsTrue(value);
}
