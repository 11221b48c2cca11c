using System.Text;

namespace Dolmen.Data.Readers;

/// <summary>
/// Reads the member ids of XML documentation (ECMA-334 annex D) and writes them as a reader of C# expects:
/// <c>M:System.String.Trim(System.Char[])</c> is <c>System.String.Trim(Char[] trimChars)</c>. Containers keep their namespace, the types
/// of parameters lose it.
/// </summary>
internal sealed record MemberName(EntryKind Kind, string Name, string Container, string Signature)
{
    // Types in types are read by recursion; a longer name was not written by a compiler.
    private const int MaxChars = 4096;

    private static readonly Dictionary<string, string> Operators = new(StringComparer.Ordinal)
    {
        ["Addition"] = "+",
        ["Subtraction"] = "-",
        ["Multiply"] = "*",
        ["Division"] = "/",
        ["Modulus"] = "%",
        ["BitwiseAnd"] = "&",
        ["BitwiseOr"] = "|",
        ["ExclusiveOr"] = "^",
        ["LeftShift"] = "<<",
        ["RightShift"] = ">>",
        ["UnsignedRightShift"] = ">>>",
        ["Equality"] = "==",
        ["Inequality"] = "!=",
        ["LessThan"] = "<",
        ["GreaterThan"] = ">",
        ["LessThanOrEqual"] = "<=",
        ["GreaterThanOrEqual"] = ">=",
        ["LogicalNot"] = "!",
        ["OnesComplement"] = "~",
        ["UnaryNegation"] = "-",
        ["UnaryPlus"] = "+",
        ["Increment"] = "++",
        ["Decrement"] = "--",
        ["True"] = "true",
        ["False"] = "false",
    };

    /// <param name="typeParameters">The documented names of a type's own type parameters, by the type's id without its prefix.</param>
    /// <param name="methodParameters">The documented names of the member's type parameters.</param>
    /// <param name="parameters">The documented names of its parameters.</param>
    /// <returns>Null for ids of namespaces and ids that name nothing.</returns>
    public static MemberName? Parse(
        string id,
        Func<string, IReadOnlyList<string>> typeParameters,
        IReadOnlyList<string> methodParameters,
        IReadOnlyList<string> parameters
    )
    {
        if (id.Length is < 3 or > MaxChars || id[1] != ':' || !"TMPFE".Contains(id[0], StringComparison.Ordinal)) return null;
        var body = id[2..];
        var open = body.IndexOf('(', StringComparison.Ordinal);
        var result = body.LastIndexOf('~');
        var returned = result > 0 && result > body.LastIndexOf(')') ? body[(result + 1)..] : "";
        var path = open >= 0 ? body[..open] : returned.Length > 0 ? body[..result] : body;
        if (id[0] == 'T')
        {
            var outer = path.LastIndexOf('.');
            var display = TypePath(path, typeParameters, out _);
            return new MemberName(
                EntryKind.Type,
                Arity(path[(outer + 1)..]).Name,
                outer < 0 ? "" : TypePath(path[..outer], typeParameters, out _),
                display
            );
        }
        var dot = path.LastIndexOf('.');
        if (dot <= 0 || dot == path.Length - 1) return null;
        var container = TypePath(path[..dot], typeParameters, out var inScope);
        var (name, arity) = Arity(path[(dot + 1)..]);
        var own = Names(methodParameters, arity);
        var types = open < 0 ? [] : ParameterTypes(body[(open + 1)..], inScope, own);
        var named = parameters.Count == types.Count ? types.Zip(parameters, (t, p) => $"{t} {p}") : types;
        var list = string.Join(", ", named);
        var generic = own.Count > 0 ? $"<{string.Join(", ", own)}>" : "";
        switch (id[0])
        {
            case 'F': return new MemberName(EntryKind.Field, name, container, $"{container}.{Explicit(name)}");
            case 'E': return new MemberName(EntryKind.Event, name, container, $"{container}.{Explicit(name)}");
            case 'P':
                var property = Explicit(name);
                return new MemberName(
                    EntryKind.Property,
                    name,
                    container,
                    types.Count == 0 ? $"{container}.{property}" : $"{container}.{(name == "Item" ? "this" : property)}[{list}]"
                );
        }
        if (name == "#ctor") return new MemberName(EntryKind.Constructor, SimpleName(container), container, $"new {container}({list})");
        if (name == "#cctor") return new MemberName(EntryKind.Constructor, SimpleName(container), container, $"static {container}()");
        if (name is "op_Implicit" or "op_Explicit" or "op_CheckedExplicit")
        {
            var word = name switch
            {
                "op_Implicit" => "implicit operator",
                "op_Explicit" => "explicit operator",
                _ => "explicit operator checked",
            };
            var target = returned.Length > 0 ? " " + ParameterTypes(returned, inScope, own)[0] : "";
            return new MemberName(EntryKind.Operator, name, container, $"{container}.{word}{target}({list})");
        }
        var kind =
            name.Contains("op_", StringComparison.Ordinal) && Explicit(name).Contains("operator", StringComparison.Ordinal)
                ? EntryKind.Operator
                : EntryKind.Method;
        return new MemberName(kind, name, container, $"{container}.{Explicit(name)}{generic}({list})");
    }

    /// <summary>A reference in running text: <c>T:System.Collections.Generic.List`1</c> is <c>List&lt;T&gt;</c>, a member is
    /// <c>String.Trim</c>.</summary>
    public static string Short(string cref)
    {
        if (cref.Length > MaxChars) return cref;
        var body = cref.Length > 2 && cref[1] == ':' ? cref[2..] : cref;
        if (cref.StartsWith("N:", StringComparison.Ordinal)) return body;
        var open = body.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0) body = body[..open];
        var tilde = body.IndexOf('~', StringComparison.Ordinal);
        if (tilde > 0) body = body[..tilde];
        var member = cref.Length > 2 && cref[1] == ':' && "MPFE".Contains(cref[0], StringComparison.Ordinal);
        var dot = body.LastIndexOf('.');
        if (!member || dot <= 0) return ShortType(body, [], []);
        var type = ShortType(body[..dot], [], []);
        var name = Arity(body[(dot + 1)..]).Name;
        return name is "#ctor" or "#cctor" ? type : $"{type}.{Explicit(name)}";
    }

    private static string SimpleName(string container)
    {
        var generic = container.IndexOf('<', StringComparison.Ordinal);
        var bare = generic < 0 ? container : container[..generic];
        return bare[(bare.LastIndexOf('.') + 1)..];
    }

    // System#Collections#IList#Add and System#IAdd{System#Int32@System#Int32}#op_Addition are explicit implementations.
    private static string Explicit(string name)
    {
        if (!name.Contains('#', StringComparison.Ordinal)) return OperatorName(name);
        var path = name.Replace('#', '.').Replace('@', ',');
        var last = path.LastIndexOf('.');
        return $"{ShortType(path[..last], [], [])}.{OperatorName(path[(last + 1)..])}";
    }

    private static string OperatorName(string name)
    {
        if (!name.StartsWith("op_", StringComparison.Ordinal)) return name;
        var word = name[3..];
        if (word.StartsWith("Checked", StringComparison.Ordinal) && Operators.TryGetValue(word[7..], out var strict))
            return $"operator checked {strict}";
        return Operators.TryGetValue(word, out var symbol) ? $"operator {symbol}" : name;
    }

    private static (string Name, int Arity) Arity(string segment)
    {
        var tick = segment.IndexOf('`', StringComparison.Ordinal);
        return tick > 0 && int.TryParse(segment[tick..].TrimStart('`'), out var arity) && arity is > 0 and < 64
            ? (segment[..tick], arity)
            : (segment, 0);
    }

    // The last `arity` names: the documentation of a nested type may repeat the outer type's parameters.
    private static List<string> Names(IReadOnlyList<string> documented, int arity)
    {
        if (documented.Count >= arity) return [.. documented.Skip(documented.Count - arity)];
        return arity == 1 ? ["T"] : [.. Enumerable.Range(1, arity).Select(i => $"T{i}")];
    }

    private static string TypePath(string path, Func<string, IReadOnlyList<string>> typeParameters, out List<string> inScope)
    {
        inScope = [];
        var text = new StringBuilder();
        var end = 0;
        foreach (var segment in path.Split('.'))
        {
            end += segment.Length;
            var (name, arity) = Arity(segment);
            if (text.Length > 0) text.Append('.');
            text.Append(name);
            if (arity > 0)
            {
                var names = Names(typeParameters(path[..end]), arity);
                inScope.AddRange(names);
                text.Append('<').AppendJoin(", ", names).Append('>');
            }
            end++;
        }
        return text.ToString();
    }

    private static List<string> ParameterTypes(string list, List<string> ofType, List<string> ofMethod)
    {
        var types = new List<string>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i <= list.Length; i++)
        {
            var c = i < list.Length ? list[i] : ')';
            if (c is '{' or '[' or '(') depth++;
            else if (depth > 0 && c is '}' or ']' or ')' && depth > 0) depth--;
            else if (c is ',' or ')' && depth == 0)
            {
                if (i > start) types.Add(ShortType(list[start..i], ofType, ofMethod));
                start = i + 1;
                if (c == ')') break;
            }
        }
        return types;
    }

    private static string ShortType(string type, List<string> ofType, List<string> ofMethod)
    {
        if (type.EndsWith('@')) return "ref " + ShortType(type[..^1], ofType, ofMethod);
        if (type.EndsWith('*')) return ShortType(type[..^1], ofType, ofMethod) + "*";
        if (type.EndsWith(']') && type.LastIndexOf('[') is > 0 and var bracket)
            return $"{ShortType(type[..bracket], ofType, ofMethod)}[{new string(',', type.AsSpan(bracket).Count(','))}]";
        if (type.StartsWith('`'))
        {
            var scope = type.StartsWith("``", StringComparison.Ordinal) ? ofMethod : ofType;
            return int.TryParse(type.TrimStart('`'), out var index) && index < scope.Count ? scope[index] : "T";
        }
        // From the first generic segment on every segment is a nested type; before it only the last one is not a namespace.
        var shown = new List<string>();
        var generic = false;
        foreach (var segment in TopLevel(type, '.'))
        {
            var brace = segment.IndexOf('{', StringComparison.Ordinal);
            var (name, arity) = Arity(brace < 0 ? segment : segment[..brace]);
            if (!generic) shown.Clear();
            if (brace >= 0)
            {
                var arguments = segment[(brace + 1)..^(segment.EndsWith('}') ? 1 : 0)];
                shown.Add($"{name}<{string.Join(", ", TopLevel(arguments, ',').Select(a => ShortType(a, ofType, ofMethod)))}>");
            }
            else
                shown.Add(arity > 0 ? $"{name}<{string.Join(", ", Names([], arity))}>" : name);
            generic |= brace >= 0 || arity > 0;
        }
        return string.Join('.', shown);
    }

    private static List<string> TopLevel(string text, char separator)
    {
        var parts = new List<string>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '[' or '(') depth++;
            else if (text[i] is '}' or ']' or ')') depth--;
            else if (text[i] == separator && depth == 0)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }
        parts.Add(text[start..]);
        return parts;
    }
}
