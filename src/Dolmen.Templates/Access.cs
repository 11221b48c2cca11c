using System.Numerics;

namespace Dolmen.Templates;

/// <summary><c>owner.name</c>: a method or member of the value first, then the entry of that name.</summary>
internal sealed class MemberAccess(Expression owner, string name, int line) : Expression(line)
{
    protected override object ValueIn(Rendering rendering)
    {
        var value = owner.Evaluate(rendering);
        return Members.Find(value, name) ?? (value is Dict dict && dict.TryGet(name, out var entry) ? entry : Python.NoMember(value, name));
    }
}

/// <summary><c>owner[key]</c>: the entry first, then a method or member of that name.</summary>
internal sealed class ItemAccess(Expression owner, Expression key, int line) : Expression(line)
{
    public override bool IsConstant => owner.IsConstant && key.IsConstant;

    protected override object ValueIn(Rendering rendering) => Members.Item(owner.Evaluate(rendering), key.Evaluate(rendering));
}

/// <summary><c>owner[start:stop:step]</c>. As in Jinja, a value that has no slices and a bound that is not a whole number are errors; but
/// in what is constant altogether, which Jinja evaluates in another way, they give what is undefined.</summary>
internal sealed class SliceAccess(Expression owner, Expression? start, Expression? stop, Expression? step, int line) : Expression(line)
{
    public override bool IsConstant => owner.IsConstant && Bounds.All(bound => bound is null or { IsConstant: true });

    protected override object ValueIn(Rendering rendering)
    {
        var value = owner.Evaluate(rendering);
        object?[] bounds = [start?.Evaluate(rendering), stop?.Evaluate(rendering), step?.Evaluate(rendering)];
        if (value is Undefined undefined)
            throw new TemplateException(undefined.Why);
        if (value is not (Text or Sequence { Kind: not SequenceKind.View }))
            return Wrong($"{Python.Named(value)} cannot be sliced", rendering);
        foreach (var bound in bounds)
            if (bound is not (null or None or bool or BigInteger))
                return Wrong($"a slice cannot have the bound {Python.Named(bound)}: a bound is a whole number", rendering);
        var (from, to, by) = (Bound(bounds[0]), Bound(bounds[1]), Bound(bounds[2]) ?? 1);
        if (by == 0) throw new TemplateException("a slice needs a step that is not 0");
        if (value is Text text) return Slice(text, from, to, by, rendering);
        var sequence = (Sequence)value;
        var (begin, count) = Indices(sequence.Items.Count, from, to, by);
        rendering.Budget.Step(count);
        var items = new object[count];
        for (var i = 0; i < count; i++) items[i] = sequence.Items[begin + i * by];
        return new Sequence(items, sequence.Kind);
    }

    private Expression?[] Bounds => [start, stop, step];

    private static Undefined Wrong(string why, Rendering rendering) =>
        rendering.InConstant ? new Undefined(why) : throw new TemplateException(why);

    private static int? Bound(object? bound) => bound is null or None ? null
        : (int)BigInteger.Clamp(PythonNumber.Integer(bound) ?? 0, -int.MaxValue, int.MaxValue);

    private static Text Slice(Text text, int? from, int? to, int by, Rendering rendering)
    {
        var (begin, count) = Indices(CodePoints.Count(text.Value), from, to, by);
        if (count == 0) return Text.Empty;
        rendering.Budget.Make(text.Length);
        if (by == 1)
        {
            var start = CodePoints.Offset(text.Value, begin);
            return text.Slice(start, CodePoints.Offset(text.Value[start..], count));
        }
        Text[] points = [.. CodePoints.Each(text)];
        rendering.Budget.Step(points.Length);
        var builder = new TextBuilder(count);
        for (var i = 0; i < count; i++) builder.Append(points[begin + i * by]);
        return builder.ToText();
    }

    /// <summary>Python's rules: negative bounds count from the end, those beyond it are cut.</summary>
    private static (int Begin, int Count) Indices(int length, int? from, int? to, int by)
    {
        var (low, high) = by > 0 ? (0, length) : (-1, length - 1);
        long Clamp(int? bound, int otherwise) =>
            bound is not { } value ? otherwise : Math.Clamp(value < 0 ? value + (long)length : value, low, high);
        var (begin, end) = by > 0 ? (Clamp(from, 0), Clamp(to, length)) : (Clamp(from, length - 1), Clamp(to, -1));
        var count = by > 0 ? (end - begin + by - 1) / by : (begin - end - (long)by - 1) / -(long)by;
        return ((int)begin, (int)Math.Max(0, count));
    }
}

/// <summary>What stands between the parentheses of a call.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<KeyValuePair<string, Expression>> Named,
    Expression? MorePositional, Expression? MoreNamed)
{
    public static readonly ArgumentList Empty = new([], [], null, null);

    public bool AreConstant =>
        Positional.All(one => one.IsConstant) && Named.Count == 0 && MorePositional is null && MoreNamed is null;

    public Arguments Evaluate(Rendering rendering)
    {
        if (Positional.Count + Named.Count == 0 && MorePositional is null && MoreNamed is null) return Arguments.None;
        List<object> positional = [.. Positional.Select(one => one.Evaluate(rendering))];
        List<KeyValuePair<string, object>> named = [.. Named.Select(one => KeyValuePair.Create(one.Key, one.Value.Evaluate(rendering)))];
        if (MorePositional is not null) positional.AddRange(Python.ListOf(MorePositional.Evaluate(rendering), rendering));
        if (MoreNamed is not null)
        {
            if (MoreNamed.Evaluate(rendering) is not Dict dict) throw new TemplateException("'**' needs a dictionary");
            named.AddRange(dict.Entries.Select(entry =>
                KeyValuePair.Create(Arguments.Text(entry.Key, "'**'", "name").Value, entry.Value)));
        }
        return new Arguments(positional, named);
    }
}

internal sealed class Call(Expression callee, ArgumentList arguments, int line) : Expression(line)
{
    protected override object ValueIn(Rendering rendering) => Apply(rendering, null);

    /// <param name="rendering">The run.</param>
    /// <param name="caller">The body of a call block, for the macro.</param>
    public object Apply(Rendering rendering, Function? caller)
    {
        var values = arguments.Evaluate(rendering);
        if (caller is not null) values = values with { Named = [.. values.Named, KeyValuePair.Create<string, object>("caller", caller)] };
        return callee.Evaluate(rendering) switch
        {
            Function function => function.Call(rendering, values),
            Undefined undefined => throw new TemplateException($"{undefined.Why}, so it cannot be called"),
            { } other => throw new TemplateException($"{Python.Named(other)} cannot be called"),
        };
    }
}

/// <summary><c>value | name(arguments)</c>.</summary>
internal sealed class FilterCall(Expression? value, string name, ArgumentList arguments, int line) : Expression(line)
{
    public override bool IsConstant => value is { IsConstant: true } && arguments.AreConstant;

    protected override object ValueIn(Rendering rendering) => Apply(value!.Evaluate(rendering), rendering);

    public object Apply(object input, Rendering rendering) => Filters.Apply(name, input, arguments.Evaluate(rendering), rendering);
}

/// <summary><c>value is name(arguments)</c>.</summary>
internal sealed class TestCall(Expression value, string name, ArgumentList arguments, int line) : Expression(line)
{
    public override bool IsConstant => value.IsConstant && arguments.AreConstant;

    protected override object ValueIn(Rendering rendering) =>
        Tests.Holds(name, value.Evaluate(rendering), arguments.Evaluate(rendering), rendering);
}
