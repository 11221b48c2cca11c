namespace Dolmen.Data.Readers;

/// <summary>Names of which none is given twice: a copy gets a number.</summary>
/// <param name="numbered">A name and a number, 2 for the second of that name, as one name.</param>
internal sealed class UniqueNames(Func<string, int, string> numbered)
{
    private readonly HashSet<string> _given = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _copies = new(StringComparer.Ordinal);

    /// <summary>False where the name was given before.</summary>
    public bool Add(string name) => _given.Add(name);

    /// <summary>The name, or the first with a number that was not given.</summary>
    public string Of(string name)
    {
        if (_given.Add(name)) return name;
        // Many copies of one name: each begins where the one before it ended.
        var copy = _copies.GetValueOrDefault(name, 2);
        string other;
        while (!_given.Add(other = numbered(name, copy))) copy++;
        _copies[name] = copy + 1;
        return other;
    }
}
