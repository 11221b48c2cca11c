namespace Dolmen.Retrieval;

/// <summary>A dotted name in a text, <c>List&lt;T&gt;.Add(T item)</c>, taken apart. Case, arguments of types and names of parameters do
/// not count.</summary>
/// <param name="Segments">Lower case: <c>list</c>, <c>add</c>.</param>
/// <param name="Arities">How many type parameters each of them has.</param>
/// <param name="Parameters">The parameters' types, <c>t</c>; null where no parentheses follow.</param>
internal sealed record NamePath(IReadOnlyList<string> Segments, IReadOnlyList<int> Arities, IReadOnlyList<string>? Parameters)
{
    /// <summary>The last segment of <c>new List&lt;T&gt;()</c>; its stem is its own.</summary>
    public const string Constructor = "constructor";

    private const string New = "new", Operator = "operator";
    private const int MaxSegments = 24;
    private const int MaxParameters = 32;

    private static readonly Dictionary<string, string> Keywords = new(StringComparer.Ordinal)
    {
        ["bool"] = "boolean",
        ["short"] = "int16",
        ["ushort"] = "uint16",
        ["int"] = "int32",
        ["uint"] = "uint32",
        ["long"] = "int64",
        ["ulong"] = "uint64",
        ["float"] = "single",
    };

    /// <summary>The names by which a question may mean the thing that bears this one.</summary>
    public IEnumerable<string> Names()
    {
        var generic = Arities.Any(arity => arity > 0);
        for (var start = 0; start < Segments.Count; start++)
        {
            yield return Join(start, Segments.Count, withArity: false);
            if (generic && Arities.Skip(start).Any(arity => arity > 0)) yield return Join(start, Segments.Count, withArity: true);
        }
        if (Signature() is { } signature) yield return signature;
    }

    /// <summary>The last name with the types of its parameters: <c>add(t)</c>.</summary>
    public string? Signature() => Parameters is null ? null : $"{Segments[^1]}({string.Join(',', Parameters)})";

    /// <summary>The names of what it belongs to, marked as such.</summary>
    public IEnumerable<string> Containers()
    {
        for (var start = 0; start + 1 < Segments.Count; start++) yield return Join(start, Segments.Count - 1, withArity: false) + ":";
    }

    /// <summary>The whole name as that of what something belongs to.</summary>
    public string AsContainer() => Join(0, Segments.Count, withArity: false) + ":";

    /// <summary>One segment alone begins with a dot: the name of a thing, not one of the words of its title.</summary>
    public string Join(int start, int end, bool withArity)
    {
        var joined = string.Join('.', Enumerable.Range(start, end - start).Select(Part));
        return end - start == 1 ? "." + joined : joined;

        string Part(int i) => withArity && Arities[i] > 0 ? $"{Segments[i]}`{Arities[i]}" : Segments[i];
    }

    /// <summary>All dotted or called names of a text, at most <paramref name="most"/>.</summary>
    public static List<NamePath> Find(ReadOnlySpan<char> text, int most)
    {
        var found = new List<NamePath>();
        for (var i = 0; i < text.Length && found.Count < most;)
        {
            if (!IsNameStart(text[i]) || (i > 0 && IsNamePart(text[i - 1])))
            {
                i++;
                continue;
            }
            var path = Read(text, ref i);
            if (path is not null) found.Add(path);
        }
        return found;
    }

    private static NamePath? Read(ReadOnlySpan<char> text, ref int i)
    {
        List<string> segments = [];
        List<int> arities = [];
        var constructs = text[i..].StartsWith(New + " ") && i + New.Length + 1 < text.Length && IsNameStart(text[i + New.Length + 1]);
        if (constructs) i += New.Length + 1;
        while (i < text.Length && IsNameStart(text[i]) && segments.Count < MaxSegments)
        {
            var start = i;
            while (i < text.Length && IsNamePart(text[i])) i++;
            segments.Add(IndexTerms.Lower(text[start..i]));
            if (segments[^1] == Operator) segments[^1] += ReadSymbol(text, ref i);
            arities.Add(ReadArity(text, ref i));
            if (i + 1 >= text.Length || text[i] != '.' || !IsNameStart(text[i + 1])) break;
            i++;
        }
        if (constructs)
        {
            segments.Add(Constructor);
            arities.Add(0);
        }
        var parameters = ReadParameters(text, ref i);
        return segments.Count == 0 ? null : new NamePath(segments, arities, parameters);
    }

    // "operator <=(", "operator checked +(": what stands before the parameters.
    private static string ReadSymbol(ReadOnlySpan<char> text, ref int i)
    {
        var length = text[i..Math.Min(text.Length, i + 40)].IndexOf('(');
        if (length < 1) return "";
        var symbol = text.Slice(i, length).ToString().Replace(" ", "", StringComparison.Ordinal);
        i += length;
        return symbol;
    }

    // `2, <T>, <TKey, TValue> and {T}; what does not close is left alone.
    private static int ReadArity(ReadOnlySpan<char> text, ref int i)
    {
        if (i + 1 < text.Length && text[i] == '`')
        {
            var digits = i + 1;
            while (digits < text.Length && text[digits] == '`') digits++;
            var end = digits;
            while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
            if (end == digits || end - digits > 3) return 0;
            i = end;
            return int.Parse(text[digits..end], System.Globalization.CultureInfo.InvariantCulture);
        }
        if (i >= text.Length || text[i] is not ('<' or '{')) return 0;
        var close = Closing(text, i);
        if (close < 0) return 0;
        var arity = Split(text[(i + 1)..close]).Count;
        i = close + 1;
        return arity;
    }

    private static List<string>? ReadParameters(ReadOnlySpan<char> text, ref int i)
    {
        if (i >= text.Length || text[i] != '(') return null;
        var close = Closing(text, i);
        if (close < 0) return null;
        var types = Split(text[(i + 1)..close]).Take(MaxParameters).Select(TypeName).ToList();
        i = close + 1;
        return types;
    }

    /// <summary>"ref System.Int32 value" is <c>int32</c>, "List&lt;T&gt; items" is <c>list</c>, "int[] all" is <c>int32[]</c>.</summary>
    private static string TypeName(string parameter)
    {
        var words = parameter.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var first = words.FirstOrDefault(word => word is not ("ref" or "out" or "in" or "this" or "params")) ?? "";
        var array = first.Length;
        while (array > 0 && first[array - 1] is '[' or ',' or ']') array--;
        var cut = first.AsSpan(0, array).IndexOfAny(['<', '{', '`']);
        var name = first[..(cut > 0 ? cut : array)].ToLowerInvariant();
        var dot = name.LastIndexOf('.');
        if (dot >= 0) name = name[(dot + 1)..];
        return Keywords.GetValueOrDefault(name, name) + first[array..];
    }

    private static int Closing(ReadOnlySpan<char> text, int open)
    {
        var depth = 0;
        for (var i = open; i < text.Length && i < open + 1000; i++)
        {
            if (text[i] is '(' or '<' or '{' or '[') depth++;
            else if (text[i] is ')' or '>' or '}' or ']' && --depth == 0) return i;
            else if (text[i] is '\n') return -1;
        }
        return -1;
    }

    private static List<string> Split(ReadOnlySpan<char> list)
    {
        List<string> items = [];
        int start = 0, depth = 0;
        for (var i = 0; i <= list.Length; i++)
        {
            if (i < list.Length && list[i] is '(' or '<' or '{' or '[') depth++;
            else if (i < list.Length && list[i] is ')' or '>' or '}' or ']') depth--;
            if (i < list.Length && (list[i] != ',' || depth > 0)) continue;
            var item = list[start..i].Trim();
            if (item.Length > 0) items.Add(item.ToString());
            start = i + 1;
        }
        return items;
    }

    private static bool IsNameStart(char c) => char.IsLetter(c) || c == '_';

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c == '_';
}
