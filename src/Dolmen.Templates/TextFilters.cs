using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Filters that make text.</summary>
internal static class TextFilters
{
    public static object Upper(object input, Arguments arguments, Rendering rendering) =>
        TextMethods.Upper(Soft(input, arguments, "upper", rendering));

    public static object Lower(object input, Arguments arguments, Rendering rendering) =>
        TextMethods.Lower(Soft(input, arguments, "lower", rendering));

    public static object Capitalize(object input, Arguments arguments, Rendering rendering) =>
        TextMethods.Capitalize(Soft(input, arguments, "capitalize", rendering));

    public static object String(object input, Arguments arguments, Rendering rendering) => Soft(input, arguments, "string", rendering);

    /// <summary>A capital after white space, hyphens and opening brackets, small letters elsewhere.</summary>
    public static object Title(object input, Arguments arguments, Rendering rendering)
    {
        var text = Soft(input, arguments, "title", rendering);
        return text.Derive(string.Create(text.Length, text.Value, (result, value) =>
        {
            for (var i = 0; i < value.Length; i++)
            {
                var begins = i == 0 || value[i - 1] is '-' or '(' or '{' or '[' or '<' || Lexer.IsWhite(value[i - 1]);
                result[i] = begins ? char.ToUpperInvariant(value[i]) : char.ToLowerInvariant(value[i]);
            }
        }));
    }

    public static object Trim(object input, Arguments arguments, Rendering rendering)
    {
        var characters = arguments.Bind("trim", "chars")[0];
        return TextMethods.Trim(Printing.Text(input, rendering),
            characters is null or None ? null : Arguments.Text(characters, "trim", "chars").Value, true, true);
    }

    public static object Replace(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("replace", "old", "new", "count");
        return TextMethods.Replace(Printing.Text(input, rendering),
            Printing.Text(Arguments.Needed(given[0], "replace", "old"), rendering),
            Printing.Text(Arguments.Needed(given[1], "replace", "new"), rendering),
            given[2] is None ? -1 : Arguments.Int32(given[2], "replace", "count", -1), rendering);
    }

    public static object Default(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("default", "default_value", "boolean");
        return input is Undefined || (Arguments.Flag(given[1]) && !Python.IsTrue(input)) ? given[0] ?? Text.Empty : input;
    }

    public static object Center(object input, Arguments arguments, Rendering rendering)
    {
        var width = Arguments.Int32(arguments.Bind("center", "width")[0], "center", "width", 80);
        rendering.Budget.Make(width);
        return Padding.Pad(Printing.Text(input, rendering), width, ' ', 'c');
    }

    public static object Escape(object input, Arguments arguments, Rendering rendering)
    {
        var text = Soft(input, arguments, "escape", rendering);
        foreach (
            var (sign, name) in (ReadOnlySpan<(string, string)>)
                [("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ("'", "&#39;"), ("\"", "&#34;")]
        )
            text = TextMethods.Replace(text, new Text(sign), new Text(name, text.Origin), -1, rendering);
        return text;
    }

    public static object Format(object input, Arguments arguments, Rendering rendering)
    {
        if (arguments is { Positional.Count: > 0, Named.Count: > 0 })
            throw new TemplateException("format takes its values either in order or by name, not both");
        var named = new Dict();
        foreach (var (name, value) in arguments.Named) named.Set(new Text(name), value);
        return PercentFormat.Apply(Printing.Text(input, rendering),
            named.Count > 0 ? named : new Sequence(arguments.Positional, SequenceKind.Tuple), rendering);
    }

    public static object Indent(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("indent", "width", "first", "blank");
        var indent = given[0] as Text ?? new Text(new string(' ', Math.Clamp(Arguments.Int32(given[0], "indent", "width", 4), 0, 1000)));
        if (input is not Text text) throw new TemplateException($"indent needs a string, not {Python.Named(input)}");
        var lines = Splitting.Lines(Text.Concat(text, new Text("\n")), false, rendering).Items;
        var builder = new TextBuilder(text.Length);
        if (Arguments.Flag(given[1])) builder.Append(indent);
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (Text)lines[i];
            if (i > 0) builder.Append("\n");
            if (i > 0 && (line.Length > 0 || Arguments.Flag(given[2]))) builder.Append(indent);
            rendering.Budget.Make(indent.Length + (long)line.Length);
            builder.Append(line);
        }
        return builder.ToText();
    }

    /// <summary>As transformers has it: nothing is escaped for HTML, other scripts stay readable.</summary>
    public static object ToJson(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
        var indent = given[1] switch
        {
            null or None => null,
            Text text => text.Value,
            { } width => new string(' ', Math.Clamp(Arguments.Int32(width, "tojson", "indent", 0), 0, 100)),
        };
        var (comma, colon) = (indent is null ? ", " : ",", ": ");
        if (given[2] is not (null or None))
        {
            if (given[2] is not Sequence { Items: [Text first, Text second] })
                throw new TemplateException("tojson: 'separators' must be two strings, such as (',', ':')");
            (comma, colon) = (first.Value, second.Value);
        }
        return new JsonText(rendering, indent, comma, colon, Arguments.Flag(given[3]), Arguments.Flag(given[0])).Write(input);
    }

    public static object Truncate(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("truncate", "length", "killwords", "end", "leeway");
        var text = Printing.Text(input, rendering);
        var (length, end) = (Arguments.Int32(given[0], "truncate", "length", 255), Arguments.Text(given[2], "truncate", "end", "..."));
        if (length < end.Length) throw new TemplateException($"truncate needs a length of at least {end.Length}, not {length}");
        if (CodePoints.Count(text.Value) <= length + (long)Arguments.Int32(given[3], "truncate", "leeway", 5)) return text;
        var kept = text.Slice(0, CodePoints.Offset(text.Value, length - CodePoints.Count(end.Value)));
        if (!Arguments.Flag(given[1]) && kept.Value.LastIndexOf(' ') is var space and >= 0) kept = kept.Slice(0, space);
        return Text.Concat(kept, end);
    }

    public static object UrlEncode(object input, Arguments arguments, Rendering rendering)
    {
        var text = Soft(input, arguments, "urlencode", rendering);
        rendering.Budget.Make(text.Length * 3L);
        return text.Derive(Uri.EscapeDataString(text.Value).Replace("%2F", "/", StringComparison.Ordinal));
    }

    public static object WordCount(object input, Arguments arguments, Rendering rendering)
    {
        var (count, within) = (0, false);
        foreach (var c in Soft(input, arguments, "wordcount", rendering).Value)
        {
            var letter = char.IsLetterOrDigit(c) || c == '_';
            if (letter && !within) count++;
            within = letter;
        }
        return new BigInteger(count);
    }

    private static Text Soft(object input, Arguments arguments, string filter, Rendering rendering)
    {
        arguments.Bind(filter);
        var text = Printing.Text(input, rendering);
        rendering.Budget.Make(text.Length);
        return text;
    }
}
