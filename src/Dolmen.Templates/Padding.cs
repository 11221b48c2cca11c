namespace Dolmen.Templates;

/// <summary>Text filled up to a width.</summary>
internal static class Padding
{
    /// <summary>The methods zfill, ljust, rjust and center.</summary>
    public static Text Apply(Text text, string method, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind(method, "width", "fillchar");
        var width = Arguments.Int32(Arguments.Needed(given[0], method, "width"), method, "width", 0);
        var fill = Arguments.Text(given[1], method, "fillchar", method == "zfill" ? "0" : " ").Value;
        if (fill.Length != 1) throw new TemplateException($"{method} fills with one character, not '{fill}'");
        rendering.Budget.Make(Math.Max(width, text.Length));
        return Pad(text, width, fill[0], method switch { "zfill" => '=', "ljust" => '<', "rjust" => '>', _ => 'c' });
    }

    /// <param name="align">&lt; left, &gt; right, ^ centre, c centre as str.center does it, = between sign and digits.</param>
    public static Text Pad(Text text, int width, char fill, char align)
    {
        var missing = width - CodePoints.Count(text.Value);
        if (missing <= 0) return text;
        var builder = new TextBuilder(text.Length + missing);
        var sign = align == '=' && text.Length > 0 && text.Value[0] is '+' or '-' ? 1 : 0;
        var before = align switch { '<' => 0, '^' => missing / 2, 'c' => missing / 2 + (missing & width & 1), _ => missing };
        builder.Append(text, 0, sign);
        builder.Append(new string(fill, before));
        builder.Append(text, sign, text.Length - sign);
        builder.Append(new string(fill, missing - before));
        return builder.ToText();
    }
}
