using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Values as Python's str() and repr() write them.</summary>
internal static class Printing
{
    private static readonly Text TrueText = new("True"), FalseText = new("False"), NoneText = new("None");

    /// <summary>str(): strings as they are, nothing for what is undefined.</summary>
    public static Text Text(object value, Rendering rendering)
    {
        switch (value)
        {
            case Text text: return text;
            case Undefined: return Templates.Text.Empty;
            case bool flag: return flag ? TrueText : FalseText;
            case None: return NoneText;
            case BigInteger whole: return new Text(PythonNumber.Format(whole));
            case double number: return new Text(PythonNumber.Format(number));
        }
        var builder = new TextBuilder();
        Write(value, builder, rendering);
        rendering.Budget.Make(builder.Length);
        return builder.ToText();
    }

    public static Text Repr(object value, Rendering rendering)
    {
        var builder = new TextBuilder();
        Write(value, builder, rendering);
        rendering.Budget.Make(builder.Length);
        return builder.ToText();
    }

    private static void Write(object value, TextBuilder output, Rendering rendering)
    {
        rendering.Budget.Enter();
        rendering.Budget.Step();
        if (output.Length > Budget.LongestString) rendering.Budget.Make(Budget.LongestString + 1L);
        switch (value)
        {
            case Text text: WriteQuoted(text, output); break;
            case Undefined: output.Append("Undefined"); break;
            case Dict dict: WriteItems(dict.Entries, "{", "}", output, rendering); break;
            case NamespaceValue space:
                output.Append("<Namespace ");
                WriteItems(
                    space.Members.Select(member => KeyValuePair.Create<object, object>(new Text(member.Key), member.Value)),
                    "{",
                    "}",
                    output,
                    rendering
                );
                output.Append('>');
                break;
            case Sequence { Kind: SequenceKind.Tuple } tuple:
                WriteItems(tuple.Items, "(", tuple.Items.Count == 1 ? ",)" : ")", output, rendering);
                break;
            case Sequence { Kind: SequenceKind.View } view:
                output.Append("dict_items(");
                WriteItems(view.Items, "[", "]", output, rendering);
                output.Append(')');
                break;
            case Sequence { Kind: SequenceKind.Range } range:
                output.Append(range.Items.ToString() ?? "");
                break;
            case Sequence list: WriteItems(list.Items, "[", "]", output, rendering); break;
            case Function function: output.Append($"<function {function.Name}>"); break;
            case Generator or LoopState or Cycler: output.Append($"<{Python.TypeName(value)}>"); break;
            default: output.Append(Text(value, rendering)); break;
        }
        rendering.Budget.Leave();
    }

    private static void WriteItems(IEnumerable<object> items, string begin, string end, TextBuilder output, Rendering rendering)
    {
        output.Append(begin);
        var first = true;
        foreach (var item in items)
        {
            if (!first) output.Append(", ");
            first = false;
            Write(item, output, rendering);
        }
        output.Append(end);
    }

    private static void WriteItems(IEnumerable<KeyValuePair<object, object>> entries, string begin, string end, TextBuilder output,
        Rendering rendering)
    {
        output.Append(begin);
        var first = true;
        foreach (var (key, value) in entries)
        {
            if (!first) output.Append(", ");
            first = false;
            Write(key, output, rendering);
            output.Append(": ");
            Write(value, output, rendering);
        }
        output.Append(end);
    }

    /// <summary>Writes a text in single quotes unless it holds only such; what cannot be seen is escaped.</summary>
    private static void WriteQuoted(Text text, TextBuilder output)
    {
        var value = text.Value;
        var quote = value.Contains('\'') && !value.Contains('"') ? '"' : '\'';
        output.Append(quote);
        for (var at = 0; at < value.Length;)
        {
            var units = CodePoints.UnitsAt(value, at);
            var c = value[at];
            if (c == quote || c == '\\') output.Append('\\');
            if (units == 1 && Escape(c) is { } escape) output.Append(escape, text.Origin);
            else if (units == 2 && !IsPrintable(value, at)) output.Append($"\\U{char.ConvertToUtf32(value, at):x8}");
            else output.Append(text, at, units);
            at += units;
        }
        output.Append(quote);
    }

    private static string? Escape(char c) => c switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ when IsPrintable(c.ToString(), 0) => null,
        _ when c < 0x100 => $"\\x{(int)c:x2}",
        _ => $"\\u{(int)c:x4}",
    };

    private static bool IsPrintable(string text, int at) => text[at] == ' ' || char.GetUnicodeCategory(text, at) is not
        (System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
        or System.Globalization.UnicodeCategory.Surrogate or System.Globalization.UnicodeCategory.PrivateUse
        or System.Globalization.UnicodeCategory.OtherNotAssigned or System.Globalization.UnicodeCategory.LineSeparator
        or System.Globalization.UnicodeCategory.ParagraphSeparator or System.Globalization.UnicodeCategory.SpaceSeparator);
}
