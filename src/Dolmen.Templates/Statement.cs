namespace Dolmen.Templates;

/// <summary>How a statement leaves: on to the next, out of the loop, or to its next item.</summary>
internal enum Flow { Next, Break, Continue }

/// <summary>A part of a template that writes or sets something.</summary>
internal abstract class Statement(int line)
{
    public int Line { get; } = line;

    public Flow Execute(Rendering rendering)
    {
        rendering.Line = Line;
        rendering.Budget.Enter();
        rendering.Budget.Step();
        var flow = Perform(rendering);
        rendering.Budget.Leave();
        return flow;
    }

    public static Flow ExecuteAll(IReadOnlyList<Statement> statements, Rendering rendering)
    {
        foreach (var statement in statements)
            if (statement.Execute(rendering) is var flow and not Flow.Next) return flow;
        return Flow.Next;
    }

    protected abstract Flow Perform(Rendering rendering);
}

internal sealed class Write(Text text, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        rendering.Write(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class Print(Expression value, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        rendering.InConstant = value.IsConstant;
        var result = value.Evaluate(rendering);
        rendering.InConstant = false;
        rendering.Write(Printing.Text(result, rendering));
        return Flow.Next;
    }
}

internal sealed class If(IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> branches, IReadOnlyList<Statement> otherwise,
    int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        foreach (var (condition, body) in branches)
            if (Python.IsTrue(condition.Evaluate(rendering))) return ExecuteAll(body, rendering);
        return ExecuteAll(otherwise, rendering);
    }
}

/// <summary><c>{% for target in items if condition %}</c>; each item has a scope of its own.</summary>
internal sealed class For(Target target, Expression items, Expression? condition, IReadOnlyList<Statement> body,
    IReadOnlyList<Statement> otherwise, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        var outer = rendering.Scope;
        var all = Python.ListOf(items.Evaluate(rendering), rendering);
        if (condition is not null) all = Chosen(all, outer, rendering);
        var loop = new LoopState(all);
        for (; loop.Index0 < all.Count; loop.Index0++)
        {
            rendering.Scope = new Scope(outer);
            rendering.Scope.Set("loop", loop);
            target.Assign(all[loop.Index0], rendering);
            if (ExecuteAll(body, rendering) == Flow.Break) break;
        }
        if (all.Count == 0)
        {
            rendering.Scope = new Scope(outer);
            var flow = ExecuteAll(otherwise, rendering);
            rendering.Scope = outer;
            return flow;
        }
        rendering.Scope = outer;
        return Flow.Next;
    }

    private List<object> Chosen(List<object> all, Scope outer, Rendering rendering)
    {
        var chosen = new List<object>();
        foreach (var item in all)
        {
            rendering.Scope = new Scope(outer);
            target.Assign(item, rendering);
            if (Python.IsTrue(condition!.Evaluate(rendering))) chosen.Add(item);
        }
        rendering.Scope = outer;
        return chosen;
    }
}

internal sealed class Leave(Flow flow, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering) => flow;
}

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class Set(Target target, Expression value, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        target.Assign(value.Evaluate(rendering), rendering);
        return Flow.Next;
    }
}

/// <summary><c>{% set target | filter %}…{% endset %}</c>.</summary>
internal sealed class SetBlock(Target target, IReadOnlyList<FilterCall> filters, IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        object value = rendering.Capture(body, new Scope(rendering.Scope));
        foreach (var filter in filters) value = filter.Apply(value, rendering);
        target.Assign(value, rendering);
        return Flow.Next;
    }
}

/// <summary><c>{% filter name %}…{% endfilter %}</c>.</summary>
internal sealed class FilterBlock(IReadOnlyList<FilterCall> filters, IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        object value = rendering.Capture(body, new Scope(rendering.Scope));
        foreach (var filter in filters) value = filter.Apply(value, rendering);
        rendering.Write(Printing.Text(value, rendering));
        return Flow.Next;
    }
}

/// <summary><c>{% with a = 1 %}</c>, and a named block, which without inheritance is only a scope.</summary>
internal sealed class With(IReadOnlyList<(Target Target, Expression Value)> names, IReadOnlyList<Statement> body, int line)
    : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        var outer = rendering.Scope;
        object[] values = [.. names.Select(name => name.Value.Evaluate(rendering))];
        rendering.Scope = new Scope(outer);
        for (var i = 0; i < values.Length; i++) names[i].Target.Assign(values[i], rendering);
        var flow = ExecuteAll(body, rendering);
        rendering.Scope = outer;
        return flow;
    }
}

/// <summary><c>{% generation %}</c>: what it writes is the assistant's.</summary>
internal sealed class Generation(IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        var text = rendering.Capture(body, new Scope(rendering.Scope));
        rendering.Budget.Make(text.Length);
        rendering.Output.Append(text, Origin.Generated);
        return Flow.Next;
    }
}
