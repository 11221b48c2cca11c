using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary><c>"{} has {count:d}".format(name, count=3)</c>.</summary>
internal static class BraceFormat
{
    public static Text Apply(Text format, Arguments arguments, Rendering rendering)
    {
        var builder = new TextBuilder(format.Length);
        var (next, text) = (0, format.Value);
        for (var at = 0; at < text.Length;)
        {
            var brace = text.AsSpan(at).IndexOfAny('{', '}') is var found && found < 0 ? text.Length : at + found;
            builder.Append(format, at, brace - at);
            if (brace == text.Length) break;
            at = brace + 1;
            if (at < text.Length && text[at] == text[brace])
            {
                builder.Append(format, at++, 1);
                continue;
            }
            var end = text[brace] == '}' ? -1 : text.IndexOf('}', at);
            if (end < 0)
                throw new TemplateException($"format: a single '{text[brace]}' stands in the format; write it twice for the sign itself");
            var piece = Field(text[at..end], arguments, ref next, rendering);
            rendering.Budget.Make(piece.Length);
            builder.Append(piece);
            at = end + 1;
        }
        return builder.ToText();
    }

    /// <summary>Digits alone: a sign or a space makes it a name.</summary>
    private static int? Index(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    private static Text Field(string field, Arguments arguments, ref int next, Rendering rendering)
    {
        var colon = field.IndexOf(':');
        var (what, spec) = colon < 0 ? (field, "") : (field[..colon], field[(colon + 1)..]);
        var mark = what.IndexOf('!');
        var (path, repr) = mark < 0 ? (what, false) : (what[..mark], what[(mark + 1)..] is "r");
        var end = path.AsSpan().IndexOfAny('.', '[') is var found && found < 0 ? path.Length : found;
        var name = path[..end];
        var value = name.Length == 0 ? At(next++) : Index(name) is { } index ? At(index)
            : arguments.Named.Where(one => one.Key == name).Select(one => one.Value).FirstOrDefault()
                ?? throw new TemplateException($"format was given no value named '{name}'");
        foreach (var step in path[end..].Split('.', '[').Skip(1))
        {
            var key = step.TrimEnd(']');
            value = Members.Item(value, Index(key) is { } item ? new BigInteger(item) : new Text(key));
        }
        return FormatSpec.Read(spec).Apply(repr ? Printing.Repr(value, rendering) : value, rendering);

        object At(int place) => place < arguments.Positional.Count ? arguments.Positional[place]
            : throw new TemplateException($"format has a place {place} but was given {arguments.Positional.Count} values");
    }
}
