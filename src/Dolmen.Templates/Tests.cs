using System.Numerics;

namespace Dolmen.Templates;

/// <summary>What may stand after <c>is</c>.</summary>
internal static class Tests
{
    private delegate bool Test(object value, Rendering rendering);

    private static readonly Dictionary<string, Test> Plain = new(StringComparer.Ordinal)
    {
        ["boolean"] = (value, _) => value is bool,
        ["callable"] = (value, _) => value is Function or Undefined,
        ["defined"] = (value, _) => value is not Undefined,
        ["escaped"] = (_, _) => false,
        ["even"] = (value, _) => Rest(value, new BigInteger(2), "even") == 0,
        ["false"] = (value, _) => value is false,
        ["filter"] = (value, _) => value is Text name && Filters.Exists(name.Value),
        ["float"] = (value, _) => value is double,
        ["integer"] = (value, _) => value is BigInteger,
        ["iterable"] = (value, _) => Python.IsIterable(value),
        ["lower"] = (value, rendering) => IsCase(value, upper: false, rendering),
        ["mapping"] = (value, _) => value is Dict,
        ["none"] = (value, _) => value is None,
        ["number"] = (value, _) => value is bool or BigInteger or double,
        ["odd"] = (value, _) => Rest(value, new BigInteger(2), "odd") == 1,
        ["sequence"] = (value, _) => value is Text or Dict or Undefined or Sequence { Kind: not SequenceKind.View },
        ["string"] = (value, _) => value is Text,
        ["test"] = (value, _) => value is Text name && Exists(name.Value),
        ["true"] = (value, _) => value is true,
        ["undefined"] = (value, _) => value is Undefined,
        ["upper"] = (value, rendering) => IsCase(value, upper: true, rendering),
    };

    private static readonly Dictionary<string, string> Signs = new(StringComparer.Ordinal)
    {
        ["=="] = "==", ["eq"] = "==", ["equalto"] = "==", ["!="] = "!=", ["ne"] = "!=", ["<"] = "<", ["lt"] = "<", ["lessthan"] = "<",
        ["<="] = "<=", ["le"] = "<=", [">"] = ">", ["gt"] = ">", ["greaterthan"] = ">", [">="] = ">=", ["ge"] = ">=", ["in"] = "in",
    };

    private static readonly string[] Others = ["divisibleby", "sameas"];

    public static bool Exists(string name) => Plain.ContainsKey(name) || Signs.ContainsKey(name) || Others.Contains(name);

    public static bool Holds(string name, object value, Arguments arguments, Rendering rendering)
    {
        if (Plain.TryGetValue(name, out var test))
        {
            arguments.Bind(name);
            return test(value, rendering);
        }
        if (!Exists(name)) throw TemplateException.Unknown("test", name, [.. Plain.Keys, .. Signs.Keys, .. Others]);
        var other = Arguments.Needed(arguments.Bind(name, "other")[0], name, "other");
        if (Signs.TryGetValue(name, out var sign)) return Comparison.Holds(sign, value, other, rendering);
        if (name == "divisibleby") return Rest(value, other, name) == 0;
        return value is Text or BigInteger or double or bool
            ? value.GetType() == other.GetType() && Comparing.AreEqual(value, other, rendering.Budget) : ReferenceEquals(value, other);
    }

    private static double Rest(object value, object of, string test) => PythonNumber.Calculate("%", value, of) switch
    {
        BigInteger rest => (double)rest,
        double rest => rest,
        _ => throw new TemplateException($"{test} needs a number, not {Python.Named(value)}"),
    };

    private static bool IsCase(object value, bool upper, Rendering rendering)
    {
        var text = Printing.Text(value, rendering).Value;
        return text.Any(upper ? char.IsUpper : char.IsLower) && !text.Any(upper ? char.IsLower : char.IsUpper);
    }
}
