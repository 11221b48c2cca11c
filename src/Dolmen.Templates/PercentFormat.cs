namespace Dolmen.Templates;

/// <summary><c>"%s has %d" % (name, count)</c>.</summary>
internal static class PercentFormat
{
    public static Text Apply(Text format, object values, Rendering rendering)
    {
        var items = values is Sequence { Kind: SequenceKind.Tuple } tuple ? tuple.Items : [values];
        var builder = new TextBuilder(format.Length);
        var (next, text) = (0, format.Value);
        for (var at = 0; at < text.Length;)
        {
            var sign = text.IndexOf('%', at);
            if (sign < 0) sign = text.Length;
            builder.Append(format, at, sign - at);
            if (sign == text.Length) break;
            at = sign + 1;
            if (at < text.Length && text[at] == '%')
            {
                builder.Append(format, at++, 1);
                continue;
            }
            var value = Named(text, ref at, values);
            var (spec, repr) = Spec(text, ref at);
            if (value is null)
            {
                if (next == items.Count) throw new TemplateException("'%' has more places than values");
                value = items[next++];
            }
            var piece = spec.Apply(
                repr ? Printing.Repr(value, rendering)
                    : spec.Type == 's' ? Printing.Text(value, rendering)
                    : value,
                rendering
            );
            rendering.Budget.Make(piece.Length);
            builder.Append(piece);
        }
        if (next < items.Count && values is not (Dict or Sequence { Kind: not SequenceKind.Tuple }))
            throw new TemplateException("'%' has more values than places");
        return builder.ToText();
    }

    private static object? Named(string text, ref int at, object values)
    {
        if (at >= text.Length || text[at] != '(') return null;
        var end = text.IndexOf(')', at);
        if (end < 0 || values is not Dict dict) throw new TemplateException("'%(name)s' needs a dictionary of values");
        var name = text[(at + 1)..end];
        at = end + 1;
        return dict.TryGet(name, out var value) ? value : throw new TemplateException($"'%' was given no value named '{name}'");
    }

    private static (FormatSpec Spec, bool Repr) Spec(string text, ref int at)
    {
        var (fill, align, sign) = (' ', '>', '-');
        for (; at < text.Length && text[at] is '-' or '+' or ' ' or '0' or '#'; at++)
        {
            if (text[at] == '-') (align, fill) = ('<', ' ');
            else if (text[at] == '0' && align != '<') (align, fill) = ('=', '0');
            else if (text[at] is '+' or ' ') sign = text[at];
        }
        var width = FormatSpec.ReadNumber(text, ref at) ?? 0;
        int? precision = null;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            precision = FormatSpec.ReadNumber(text, ref at) ?? 0;
        }
        var type =
            at < text.Length ? text[at++] : throw new TemplateException("'%' at the end of a format: write '%%' for the sign itself");
        if (!"sradiuxXofFeEgGc".Contains(type))
            throw new TemplateException($"'%{type}' is not a format");
        var kind = type switch
        {
            'i' or 'u' => 'd',
            'r' or 'a' => 's',
            _ => type,
        };
        if (kind == 's' && align == '=')
            (align, fill) = ('>', ' ');
        return (new FormatSpec(fill, align, sign, false, width, precision, kind), type is 'r' or 'a');
    }
}
