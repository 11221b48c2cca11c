using System.Globalization;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>The attribute that a filter looks at: a name, an index, or several with points between ("function.name").</summary>
internal sealed class AttributePath
{
    private readonly object[] _steps;
    private readonly object? _otherwise;

    /// <param name="attribute">The path.</param>
    /// <param name="otherwise">Stands for what is not there.</param>
    public AttributePath(object attribute, object? otherwise = null)
    {
        _otherwise = otherwise is None ? null : otherwise;
        _steps = attribute is not Text path ? [attribute]
            : [.. path.Value.Split('.').Select(step => step.Length is > 0 and < 10 && step.All(char.IsAsciiDigit)
                ? (object)BigInteger.Parse(step, CultureInfo.InvariantCulture) : new Text(step))];
    }

    public object Of(object item)
    {
        foreach (var step in _steps)
        {
            item = Members.Item(item, step);
            if (item is Undefined && _otherwise is not null) item = _otherwise;
        }
        return item;
    }
}
