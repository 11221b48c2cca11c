namespace Dolmen.Templates;

/// <summary>Python's split, rsplit, splitlines and partition.</summary>
internal static class Splitting
{
    public static Sequence Split(Text text, Arguments arguments, Rendering rendering, bool fromRight)
    {
        var name = fromRight ? "rsplit" : "split";
        var given = arguments.Bind(name, "sep", "maxsplit");
        var most = Arguments.Int32(given[1], name, "maxsplit", -1);
        rendering.Budget.Make(text.Length);
        var parts = new List<object>();
        if (given[0] is null or None)
        {
            if (fromRight) FromRight(text, most, parts, rendering);
            else FromLeft(text, most, parts, rendering);
        }
        else
        {
            var between = Arguments.Text(given[0], name, "sep");
            if (between.Length == 0) throw new TemplateException($"{name} needs a separator that is not empty");
            rendering.Budget.Search(text.Length, between.Length);
            if (fromRight) FromRight(text, between.Value, most, parts, rendering);
            else FromLeft(text, between.Value, most, parts, rendering);
        }
        if (fromRight) parts.Reverse();
        return new Sequence(parts);
    }

    private static void FromLeft(Text text, string between, int most, List<object> parts, Rendering rendering)
    {
        var at = 0;
        while (most != parts.Count && text.Value.IndexOf(between, at, StringComparison.Ordinal) is var next and >= 0)
        {
            rendering.Budget.Step();
            parts.Add(text.Slice(at, next - at));
            at = next + between.Length;
        }
        parts.Add(text.Slice(at));
    }

    private static void FromRight(Text text, string between, int most, List<object> parts, Rendering rendering)
    {
        var end = text.Length;
        while (most != parts.Count && text.Value.AsSpan(0, end).LastIndexOf(between, StringComparison.Ordinal) is var next and >= 0)
        {
            rendering.Budget.Step();
            parts.Add(text.Slice(next + between.Length, end - next - between.Length));
            end = next;
        }
        parts.Add(text.Slice(0, end));
    }

    /// <summary>Words between white space, none of them empty; the last one is what remains.</summary>
    private static void FromLeft(Text text, int most, List<object> parts, Rendering rendering)
    {
        for (var at = 0; ;)
        {
            while (at < text.Length && Lexer.IsWhite(text.Value[at])) at++;
            if (at == text.Length) return;
            var start = at;
            if (most == parts.Count)
            {
                parts.Add(text.Slice(start));
                return;
            }
            while (at < text.Length && !Lexer.IsWhite(text.Value[at])) at++;
            rendering.Budget.Step();
            parts.Add(text.Slice(start, at - start));
        }
    }

    private static void FromRight(Text text, int most, List<object> parts, Rendering rendering)
    {
        for (var end = text.Length; ;)
        {
            while (end > 0 && Lexer.IsWhite(text.Value[end - 1])) end--;
            if (end == 0) return;
            if (most == parts.Count)
            {
                parts.Add(text.Slice(0, end));
                return;
            }
            var start = end;
            while (start > 0 && !Lexer.IsWhite(text.Value[start - 1])) start--;
            rendering.Budget.Step();
            parts.Add(text.Slice(start, end - start));
            end = start;
        }
    }

    public static Sequence Lines(Text text, bool keepEnds, Rendering rendering)
    {
        rendering.Budget.Make(text.Length);
        var lines = new List<object>();
        for (var at = 0; at < text.Length;)
        {
            var end = at;
            while (
                end < text.Length
                && text.Value[end]
                    is not ('\n' or '\r' or '\v' or '\f' or '\u001c' or '\u001d' or '\u001e' or '\u0085' or '\u2028' or '\u2029')
            )
                end++;
            var next =
                end == text.Length ? end : end + (text.Value[end] == '\r' && end + 1 < text.Length && text.Value[end + 1] == '\n' ? 2 : 1);
            rendering.Budget.Step();
            lines.Add(text.Slice(at, (keepEnds ? next : end) - at));
            at = next;
        }
        return new Sequence(lines);
    }

    public static Sequence Partition(Text text, Text between, Rendering rendering, bool fromRight)
    {
        if (between.Length == 0) throw new TemplateException("partition needs a separator that is not empty");
        rendering.Budget.Search(text.Length, between.Length);
        var at = fromRight ? text.Value.LastIndexOf(between.Value, StringComparison.Ordinal)
            : text.Value.IndexOf(between.Value, StringComparison.Ordinal);
        if (at < 0) return fromRight ? Sequence.Tuple(Text.Empty, Text.Empty, text) : Sequence.Tuple(text, Text.Empty, Text.Empty);
        return Sequence.Tuple(text.Slice(0, at), between, text.Slice(at + between.Length));
    }
}
