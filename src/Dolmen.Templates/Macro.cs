namespace Dolmen.Templates;

/// <param name="Name">As called.</param>
/// <param name="Parameters">With the value each has where none is given.</param>
/// <param name="Body">What a call writes.</param>
/// <param name="Uses">The names its body mentions: only one that mentions them takes varargs, kwargs or a caller.</param>
internal sealed record MacroDefinition(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters,
    IReadOnlyList<Statement> Body, IReadOnlySet<string> Uses);

/// <summary>A macro where it was defined: it knows the names that are known there.</summary>
internal sealed class Macro(MacroDefinition definition, Scope outer) : Function(definition.Name, (_, _) => None.Value)
{
    public override object Call(Rendering rendering, Arguments arguments)
    {
        var scope = new Scope(outer);
        var parameters = definition.Parameters;
        var given = new object?[parameters.Count];
        for (var i = 0; i < Math.Min(given.Length, arguments.Positional.Count); i++) given[i] = arguments.Positional[i];
        if (arguments.Positional.Count > given.Length && !definition.Uses.Contains("varargs"))
            throw new TemplateException($"{Name}() takes at most {given.Length} arguments but was given {arguments.Positional.Count}");
        var more = new Dict();
        object? caller = null;
        foreach (var (name, value) in arguments.Named)
        {
            var at = 0;
            while (at < given.Length && parameters[at].Name != name)
                at++;
            if (at < given.Length)
                given[at] = given[at] is null ? value : throw new TemplateException($"{Name}() was given '{name}' twice");
            else if (name == "caller" && definition.Uses.Contains("caller"))
                caller = value;
            else if (definition.Uses.Contains("kwargs"))
                more.Set(new Text(name), value);
            else
                throw new TemplateException($"{Name}() has no argument named '{name}'");
        }
        if (definition.Uses.Contains("varargs"))
            scope.Set("varargs", new Sequence([.. arguments.Positional.Skip(given.Length)], SequenceKind.Tuple));
        if (definition.Uses.Contains("kwargs")) scope.Set("kwargs", more);
        if (definition.Uses.Contains("caller")) scope.Set("caller", caller ?? new Undefined($"{Name}() was not called by a call block"));
        var outerScope = rendering.Scope;
        rendering.Scope = scope;
        for (var i = 0; i < given.Length; i++)
        {
            scope.Set(parameters[i].Name, given[i] ?? parameters[i].Default?.Evaluate(rendering)
                ?? new Undefined($"{Name}() was not given '{parameters[i].Name}'"));
        }
        rendering.Scope = outerScope;
        return rendering.Capture(definition.Body, scope);
    }
}

internal sealed class DefineMacro(MacroDefinition definition, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        rendering.Scope.Set(definition.Name, new Macro(definition, rendering.Scope));
        return Flow.Next;
    }
}

/// <summary><c>{% call(item) macro() %}…{% endcall %}</c>.</summary>
internal sealed class CallBlock(Call call, MacroDefinition caller, int line) : Statement(line)
{
    protected override Flow Perform(Rendering rendering)
    {
        rendering.Write(Printing.Text(call.Apply(rendering, new Macro(caller, rendering.Scope)), rendering));
        return Flow.Next;
    }
}
