using System.Numerics;

namespace Dolmen.Templates;

/// <summary>The methods of Python's strings.</summary>
internal static class TextMethods
{
    public static object? Find(Text text, string name) =>
        Named(text, name) is { } method
            ? new Function(
                name,
                (rendering, arguments) =>
                {
                    rendering.Budget.Step(1 + text.Length / 256); // each walks through the text
                    var result = method.Call(rendering, arguments);
                    if (result is Text made && made != text)
                        rendering.Budget.Make(made.Length);
                    return result;
                }
            )
            : null;

    private static Function? Named(Text text, string name) =>
        name switch
        {
            "strip" => new Function(name, (_, arguments) => Trim(text, Set(name, arguments), true, true)),
            "lstrip" => new Function(name, (_, arguments) => Trim(text, Set(name, arguments), true, false)),
            "rstrip" => new Function(name, (_, arguments) => Trim(text, Set(name, arguments), false, true)),
            "upper" => Plain(name, () => Upper(text)),
            "lower" => Plain(name, () => Lower(text)),
            "title" => Plain(name, () => Title(text)),
            "capitalize" => Plain(name, () => Capitalize(text)),
            "swapcase" => Plain(
                name,
                () =>
                    text.Derive(
                        string.Concat(text.Value.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))
                    )
            ),
            "casefold" => Plain(name, () => Lower(text)),
            "split" => new Function(name, (rendering, arguments) => Splitting.Split(text, arguments, rendering, fromRight: false)),
            "rsplit" => new Function(name, (rendering, arguments) => Splitting.Split(text, arguments, rendering, fromRight: true)),
            "splitlines" => new Function(
                name,
                (rendering, arguments) => Splitting.Lines(text, Arguments.Flag(arguments.Bind(name, "keepends")[0]), rendering)
            ),
            "partition" => new Function(
                name,
                (rendering, arguments) => Splitting.Partition(text, One(name, arguments), rendering, fromRight: false)
            ),
            "rpartition" => new Function(
                name,
                (rendering, arguments) => Splitting.Partition(text, One(name, arguments), rendering, fromRight: true)
            ),
            "startswith" => new Function(
                name,
                (_, arguments) => Affix(name, arguments).Any(part => text.Value.StartsWith(part.Value, StringComparison.Ordinal))
            ),
            "endswith" => new Function(
                name,
                (_, arguments) => Affix(name, arguments).Any(part => text.Value.EndsWith(part.Value, StringComparison.Ordinal))
            ),
            "removeprefix" => new Function(
                name,
                (_, arguments) =>
                    One(name, arguments) is var part && text.Value.StartsWith(part.Value, StringComparison.Ordinal)
                        ? text.Slice(part.Length)
                        : text
            ),
            "removesuffix" => new Function(
                name,
                (_, arguments) =>
                    One(name, arguments) is { Length: > 0 } part && text.Value.EndsWith(part.Value, StringComparison.Ordinal)
                        ? text.Slice(0, text.Length - part.Length)
                        : text
            ),
            "replace" => new Function(
                name,
                (rendering, arguments) =>
                {
                    var given = arguments.Bind(name, "old", "new", "count");
                    return Replace(
                        text,
                        Arguments.Text(given[0], name, "old"),
                        Arguments.Text(given[1], name, "new"),
                        Arguments.Int32(given[2], name, "count", -1),
                        rendering
                    );
                }
            ),
            "join" => new Function(
                name,
                (rendering, arguments) => Join(text, Arguments.Needed(arguments.Bind(name, "items")[0], name, "items"), rendering)
            ),
            "find" or "index" => new Function(name, (rendering, arguments) => Index(text, name, arguments, rendering, last: false)),
            "rfind" or "rindex" => new Function(name, (rendering, arguments) => Index(text, name, arguments, rendering, last: true)),
            "count" => new Function(name, (rendering, arguments) => Count(text, One(name, arguments), rendering)),
            "format" => new Function(name, (rendering, arguments) => BraceFormat.Apply(text, arguments, rendering)),
            "zfill" or "ljust" or "rjust" or "center" => new Function(
                name,
                (rendering, arguments) => Padding.Apply(text, name, arguments, rendering)
            ),
            "isdigit" or "isdecimal" or "isnumeric" => Plain(name, () => text.Length > 0 && text.Value.All(char.IsDigit)),
            "isalpha" => Plain(name, () => text.Length > 0 && text.Value.All(char.IsLetter)),
            "isalnum" => Plain(name, () => text.Length > 0 && text.Value.All(char.IsLetterOrDigit)),
            "isspace" => Plain(name, () => text.Length > 0 && text.Value.All(Lexer.IsWhite)),
            "isupper" => Plain(name, () => text.Value.Any(char.IsUpper) && !text.Value.Any(char.IsLower)),
            "islower" => Plain(name, () => text.Value.Any(char.IsLower) && !text.Value.Any(char.IsUpper)),
            _ => null,
        };

    /// <param name="text">What to trim.</param>
    /// <param name="characters">Which to take away; null for white space.</param>
    public static Text Trim(Text text, string? characters, bool left, bool right)
    {
        var (start, end) = (0, text.Length);
        bool Goes(char c) => characters is null ? Lexer.IsWhite(c) : characters.Contains(c);
        while (left && start < end && Goes(text.Value[start]))
            start++;
        while (right && end > start && Goes(text.Value[end - 1]))
            end--;
        return text.Slice(start, end - start);
    }

    public static Text Upper(Text text) => text.Derive(text.Value.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal));

    public static Text Lower(Text text) => text.Derive(text.Value.ToLowerInvariant());

    public static Text Capitalize(Text text) => text.Length == 0 ? text
        : text.Derive(char.ToUpperInvariant(text.Value[0]) + text.Value[1..].ToLowerInvariant());

    /// <summary>A capital after everything that is not a letter.</summary>
    private static Text Title(Text text) => text.Derive(string.Create(text.Length, text.Value, (result, value) =>
    {
        for (var i = 0; i < value.Length; i++)
            result[i] = i > 0 && char.IsLetter(value[i - 1]) ? char.ToLowerInvariant(value[i]) : char.ToUpperInvariant(value[i]);
    }));

    /// <param name="count">At most so many from the left; all where it is negative.</param>
    public static Text Replace(Text text, Text old, Text with, int count, Rendering rendering)
    {
        rendering.Budget.Search(text.Length, old.Length);
        if (count == 0 || (old.Length > 0 && !text.Value.Contains(old.Value, StringComparison.Ordinal))) return text;
        var builder = new TextBuilder(text.Length);
        var at = 0;
        for (; count != 0; count--)
        {
            rendering.Budget.Make(with.Length);
            var next = old.Length > 0 ? text.Value.IndexOf(old.Value, at, StringComparison.Ordinal) : at;
            if (next < 0) break;
            builder.Append(text, at, next - at);
            builder.Append(with);
            at = next + old.Length;
            if (old.Length > 0) continue;
            if (at == text.Length) break;
            var units = CodePoints.UnitsAt(text.Value, at);
            builder.Append(text, at, units);
            at += units;
        }
        builder.Append(text, at, text.Length - at);
        rendering.Budget.Make(builder.Length);
        return builder.ToText();
    }

    public static Text Join(Text between, object items, Rendering rendering)
    {
        var builder = new TextBuilder();
        var first = true;
        foreach (var item in Python.Items(items))
        {
            if (item is not Text text) throw new TemplateException($"join: {Python.Named(item)} is not a string");
            rendering.Budget.Make(between.Length + (long)text.Length);
            if (!first) builder.Append(between);
            first = false;
            builder.Append(text);
        }
        return builder.ToText();
    }

    private static BigInteger Index(Text text, string name, Arguments arguments, Rendering rendering, bool last)
    {
        var given = arguments.Bind(name, "sub", "start", "end");
        var part = Arguments.Text(given[0], name, "sub");
        rendering.Budget.Search(text.Length, part.Length);
        var length = CodePoints.Count(text.Value);
        int Bound(object? value, int otherwise) => value is null or None ? otherwise
            : Arguments.Int32(value, name, "start", 0) is var bound && bound < 0 ? Math.Max(0, bound + length) : Math.Min(bound, length);
        var (from, to) = (CodePoints.Offset(text.Value, Bound(given[1], 0)), CodePoints.Offset(text.Value, Bound(given[2], length)));
        var window = from <= to ? text.Value.AsSpan(from, to - from) : default;
        var at =
            from > to ? -1
            : last ? window.LastIndexOf(part.Value, StringComparison.Ordinal)
            : window.IndexOf(part.Value, StringComparison.Ordinal);
        if (at < 0 && name.EndsWith("index", StringComparison.Ordinal))
            throw new TemplateException($"{name}: {Python.Named(part)} is not in the string");
        return new BigInteger(at < 0 ? -1 : CodePoints.Count(text.Value[..(from + at)]));
    }

    private static BigInteger Count(Text text, Text part, Rendering rendering)
    {
        rendering.Budget.Search(text.Length, part.Length);
        return new BigInteger(part.Length == 0 ? CodePoints.Count(text.Value) + 1 : text.Value.AsSpan().Count(part.Value));
    }

    private static Function Plain(string name, Func<object> body) => new(name, (rendering, arguments) =>
    {
        arguments.Bind(name);
        return body();
    });

    private static string? Set(string name, Arguments arguments) => arguments.Bind(name, "chars")[0] switch
    {
        null or None => null,
        { } value => Arguments.Text(value, name, "chars").Value,
    };

    private static Text One(string name, Arguments arguments) => Arguments.Text(arguments.Bind(name, "part")[0], name, "part");

    private static IEnumerable<Text> Affix(string name, Arguments arguments) => arguments.Bind(name, "part")[0] switch
    {
        Sequence { Kind: SequenceKind.Tuple } tuple => tuple.Items.Select(item => Arguments.Text(item, name, "part")),
        var value => [Arguments.Text(value, name, "part")],
    };
}
