namespace Dolmen.Templates;

/// <summary>What a value is given to.</summary>
internal abstract class Target
{
    public abstract void Assign(object value, Rendering rendering);
}

internal sealed class NameTarget(string name) : Target
{
    public string Name { get; } = name;

    public override void Assign(object value, Rendering rendering) => rendering.Scope.Set(Name, value);
}

/// <summary><c>ns.member</c>.</summary>
internal sealed class NamespaceTarget(string name, string member) : Target
{
    public override void Assign(object value, Rendering rendering)
    {
        if (rendering.Scope.Find(name) is not NamespaceValue space)
            throw new TemplateException($"'{name}.{member}' cannot be set: '{name}' is not a namespace(), and nothing else can be changed");
        space.Members[member] = value;
    }
}

/// <summary><c>a, b</c>.</summary>
internal sealed class TupleTarget(IReadOnlyList<Target> parts) : Target
{
    public override void Assign(object value, Rendering rendering)
    {
        if (value is Undefined or not (Sequence or Dict or Text or Generator))
            throw new TemplateException($"{Python.Named(value)} cannot be unpacked into {parts.Count} names");
        var items = Python.ListOf(value, rendering);
        if (items.Count != parts.Count)
            throw new TemplateException($"{items.Count} values cannot be unpacked into {parts.Count} names");
        for (var i = 0; i < items.Count; i++) parts[i].Assign(items[i], rendering);
    }
}
