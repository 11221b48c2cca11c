namespace Dolmen.Templates;

/// <summary>One run of a template: what it has written so far, the names it knows and what it may still cost.</summary>
internal sealed class Rendering(Scope scope, TimeProvider clock)
{
    public Scope Scope { get; set; } = scope;

    public TextBuilder Output { get; private set; } = new(1024);

    public Budget Budget { get; } = new();

    public TimeProvider Clock { get; } = clock;

    /// <summary>What is being evaluated is an output without variables.</summary>
    public bool InConstant { get; set; }

    /// <summary>The line of what is being rendered, for messages.</summary>
    public int Line { get; set; }

    public void Write(Text text)
    {
        Budget.Make(text.Length);
        if (Output.Length + text.Length > Budget.LongestString) Budget.Make(Budget.LongestString + 1L);
        Output.Append(text);
    }

    /// <summary>What <paramref name="body"/> writes, in a scope of its own.</summary>
    public Text Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        var (outerOutput, outerScope) = (Output, Scope);
        (Output, Scope) = (new TextBuilder(), scope);
        Statement.ExecuteAll(body, this);
        var text = Output.ToText();
        (Output, Scope) = (outerOutput, outerScope);
        return text;
    }
}

/// <summary>Names and what they stand for; what is not here may be further out.</summary>
public sealed class Scope(Scope? outer = null)
{
    private Dictionary<string, object>? _names;

    public void Set(string name, object value) => (_names ??= new(StringComparer.Ordinal))[name] = value;

    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (scope._names is { } names && names.TryGetValue(name, out var value)) return value;
        return null;
    }

    private Scope? Outer { get; } = outer;
}
