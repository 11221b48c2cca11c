using System.Numerics;

namespace Dolmen.Templates;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(int line)
{
    private bool? _isConstant;

    public int Line { get; } = line;

    /// <summary>No variable has a part in it: Jinja knows its value before a template is rendered.</summary>
    public virtual bool IsConstant => false;

    public object Evaluate(Rendering rendering)
    {
        var outerLine = rendering.Line;
        rendering.Line = Line;
        rendering.Budget.Enter();
        rendering.Budget.Step();
        var value = !rendering.InConstant && (_isConstant ??= IsConstant) ? Folded(rendering) : ValueIn(rendering);
        rendering.Budget.Leave();
        rendering.Line = outerLine;
        return value;
    }

    protected abstract object ValueIn(Rendering rendering);

    /// <summary>Jinja computes constant parts of a template beforehand, and keeps the value unless it is undefined.</summary>
    private object Folded(Rendering rendering)
    {
        rendering.InConstant = true;
        object value;
        try
        {
            value = ValueIn(rendering);
        }
        finally
        {
            rendering.InConstant = false;
        }
        return value is Undefined ? ValueIn(rendering) : value;
    }

    /// <summary>The values of several expressions, from the first on.</summary>
    protected static object[] EvaluateAll(IReadOnlyList<Expression> expressions, Rendering rendering)
    {
        var values = new object[expressions.Count];
        for (var i = 0; i < values.Length; i++) values[i] = expressions[i].Evaluate(rendering);
        return values;
    }
}

internal sealed class Literal(object value, int line) : Expression(line)
{
    public override bool IsConstant => true;

    public object Value { get; } = value;

    protected override object ValueIn(Rendering rendering) => Value;
}

internal sealed class NameLookup(string name, int line) : Expression(line)
{
    public string Name { get; } = name;

    protected override object ValueIn(Rendering rendering) =>
        rendering.Scope.Find(Name) ?? (object?)Globals.Find(Name) ?? new Undefined($"'{Name}' is not defined");
}

internal sealed class SequenceLiteral(IReadOnlyList<Expression> items, SequenceKind kind, int line) : Expression(line)
{
    public override bool IsConstant => items.All(item => item.IsConstant);

    protected override object ValueIn(Rendering rendering) => new Sequence(EvaluateAll(items, rendering), kind);
}

internal sealed class DictLiteral(IReadOnlyList<(Expression Key, Expression Value)> entries, int line) : Expression(line)
{
    public override bool IsConstant => entries.All(entry => entry.Key.IsConstant && entry.Value.IsConstant);

    protected override object ValueIn(Rendering rendering)
    {
        var dict = new Dict();
        foreach (var (key, value) in entries) dict.Set(key.Evaluate(rendering), value.Evaluate(rendering));
        return dict;
    }
}

/// <summary><c>a if condition else b</c>.</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise, int line) : Expression(line)
{
    public override bool IsConstant => condition.IsConstant && then.IsConstant && otherwise is null or { IsConstant: true };

    protected override object ValueIn(Rendering rendering) => Python.IsTrue(condition.Evaluate(rendering)) ? then.Evaluate(rendering)
        : otherwise?.Evaluate(rendering) ?? new Undefined("an 'if' without 'else' was false");
}

/// <summary><c>and</c>, <c>or</c>: the value of the operand that decides.</summary>
internal sealed class Logical(bool isAnd, IReadOnlyList<Expression> operands, int line) : Expression(line)
{
    public override bool IsConstant => operands.All(operand => operand.IsConstant);

    protected override object ValueIn(Rendering rendering)
    {
        object value = None.Value;
        foreach (var operand in operands)
        {
            value = operand.Evaluate(rendering);
            if (Python.IsTrue(value) != isAnd) break;
        }
        return value;
    }
}

internal sealed class Not(Expression operand, int line) : Expression(line)
{
    public override bool IsConstant => operand.IsConstant;

    protected override object ValueIn(Rendering rendering) => !Python.IsTrue(operand.Evaluate(rendering));
}

internal sealed class Signed(bool negative, Expression operand, int line) : Expression(line)
{
    public override bool IsConstant => operand.IsConstant;

    protected override object ValueIn(Rendering rendering) => operand.Evaluate(rendering) switch
    {
        double number => negative ? -number : number,
        { } value when PythonNumber.Integer(value) is { } whole => negative ? -whole : whole,
        { } value => throw new TemplateException($"a sign cannot stand before {Python.Named(value)}"),
    };
}

/// <summary><c>a ~ b ~ c</c>: all as text.</summary>
internal sealed class Concatenation(IReadOnlyList<Expression> parts, int line) : Expression(line)
{
    public override bool IsConstant => parts.All(part => part.IsConstant);

    protected override object ValueIn(Rendering rendering)
    {
        var builder = new TextBuilder();
        foreach (var part in parts)
        {
            var text = Printing.Text(part.Evaluate(rendering), rendering);
            rendering.Budget.Make(text.Length);
            builder.Append(text);
        }
        return builder.ToText();
    }
}

/// <summary><c>a &lt; b &lt;= c</c>, <c>in</c>, <c>not in</c>: true where each pair is.</summary>
internal sealed class Comparison(Expression first, IReadOnlyList<(string Sign, Expression Operand)> rest, int line) : Expression(line)
{
    public override bool IsConstant => first.IsConstant && rest.All(pair => pair.Operand.IsConstant);

    protected override object ValueIn(Rendering rendering)
    {
        var left = first.Evaluate(rendering);
        foreach (var (sign, operand) in rest)
        {
            var right = operand.Evaluate(rendering);
            if (!Holds(sign, left, right, rendering)) return false;
            left = right;
        }
        return true;
    }

    public static bool Holds(string sign, object left, object right, Rendering rendering) => sign switch
    {
        "==" => Comparing.AreEqual(left, right, rendering.Budget),
        "!=" => !Comparing.AreEqual(left, right, rendering.Budget),
        "in" => Comparing.Contains(right, left, rendering),
        "not in" => !Comparing.Contains(right, left, rendering),
        "<" => Comparing.Order(left, right, rendering.Budget, sign) < 0,
        "<=" => Comparing.Order(left, right, rendering.Budget, sign) <= 0,
        ">" => Comparing.Order(left, right, rendering.Budget, sign) > 0,
        _ => Comparing.Order(left, right, rendering.Budget, sign) >= 0,
    };
}

/// <summary><c>a + b</c> and its like.</summary>
internal sealed class Arithmetic(string sign, Expression left, Expression right, int line) : Expression(line)
{
    public override bool IsConstant => left.IsConstant && right.IsConstant;

    protected override object ValueIn(Rendering rendering)
    {
        var (a, b) = (left.Evaluate(rendering), right.Evaluate(rendering));
        if (a is Undefined || b is Undefined) throw new TemplateException($"'{sign}' cannot join {Python.Named(a)} and {Python.Named(b)}");
        switch (sign, a, b)
        {
            case ("+", Text x, Text y):
                rendering.Budget.Make((long)x.Length + y.Length);
                return Text.Concat(x, y);
            case ("+", Sequence { Kind: SequenceKind.List or SequenceKind.Tuple } x, Sequence y) when x.Kind == y.Kind:
                rendering.Budget.Step((long)x.Items.Count + y.Items.Count);
                return new Sequence([.. x.Items, .. y.Items], x.Kind);
            case ("*", Text or Sequence { Kind: SequenceKind.List or SequenceKind.Tuple }, bool or BigInteger):
                return Repeat(a, b, rendering);
            case ("*", bool or BigInteger, Text or Sequence { Kind: SequenceKind.List or SequenceKind.Tuple }):
                return Repeat(b, a, rendering);
            case ("%", Text format, _):
                return PercentFormat.Apply(format, b, rendering);
            default:
                return PythonNumber.Calculate(sign, a, b);
        }
    }

    private static object Repeat(object what, object times, Rendering rendering)
    {
        var count = Math.Max(0, Arguments.Int32(times, "'*'", "factor", 0));
        if (what is Text text)
        {
            rendering.Budget.Make((long)text.Length * count);
            var builder = new TextBuilder(text.Length * count);
            for (var i = 0; i < count; i++) builder.Append(text);
            return builder.ToText();
        }
        var sequence = (Sequence)what;
        rendering.Budget.Step((long)sequence.Items.Count * count);
        var items = new List<object>(sequence.Items.Count * count);
        for (var i = 0; i < count; i++) items.AddRange(sequence.Items);
        return new Sequence(items, sequence.Kind);
    }
}
