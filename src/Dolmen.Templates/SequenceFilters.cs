using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Filters that look at the items of a list, a dictionary or a string.</summary>
internal static class SequenceFilters
{
    public static object Length(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("length");
        return new BigInteger(Python.Length(input));
    }

    public static object List(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("list");
        return new Sequence(Python.ListOf(input, rendering));
    }

    public static object First(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("first");
        return Python.Items(input).FirstOrDefault() ?? new Undefined("the first of no items is asked for");
    }

    public static object Last(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("last");
        if (input is Generator)
            throw new TemplateException("last cannot walk a generator backwards: make it a list first, with the filter list");
        return input is Sequence sequence
            ? sequence.Items.Count > 0 ? sequence.Items[^1] : new Undefined("the last of no items is asked for")
            : Python.ListOf(input, rendering) is { Count: > 0 } items ? items[^1] : new Undefined("the last of no items is asked for");
    }

    public static object Join(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("join", "d", "attribute");
        var between = given[0] is null ? Text.Empty : Printing.Text(given[0]!, rendering);
        var path = given[1] is { } attribute and not None ? new AttributePath(attribute) : null;
        var builder = new TextBuilder();
        var first = true;
        foreach (var item in Python.Items(input))
        {
            var text = Printing.Text(path?.Of(item) ?? item, rendering);
            rendering.Budget.Make(between.Length + (long)text.Length);
            if (!first) builder.Append(between);
            first = false;
            builder.Append(text);
        }
        return builder.ToText();
    }

    public static object Reverse(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("reverse");
        if (input is Text text)
        {
            var builder = new TextBuilder(text.Length);
            foreach (var point in Python.ListOf(text, rendering).AsEnumerable().Reverse()) builder.Append((Text)point);
            rendering.Budget.Make(text.Length);
            return builder.ToText();
        }
        return new Generator(Python.ListOf(input, rendering).AsEnumerable().Reverse());
    }

    public static object Items(object input, Arguments arguments, Rendering rendering)
    {
        arguments.Bind("items");
        return input switch
        {
            Undefined => new Generator([]),
            Dict dict => new Generator(Members.Pairs(dict)),
            _ => throw new TemplateException($"items needs a dictionary, not {Python.Named(input)}"),
        };
    }

    public static object Attr(object input, Arguments arguments, Rendering rendering)
    {
        var name = Arguments.Text(arguments.Bind("attr", "name")[0], "attr", "name").Value;
        return Members.Find(input, name) ?? Python.NoMember(input, name);
    }
}
