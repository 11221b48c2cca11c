using System.Numerics;

namespace Dolmen.Templates;

/// <summary>What <c>loop</c> is within a for loop.</summary>
internal sealed class LoopState(IReadOnlyList<object> items)
{
    private object? _lastChanged;

    public int Index0 { get; set; }

    public object? Find(string name) => name switch
    {
        "index" => new BigInteger(Index0 + 1),
        "index0" => new BigInteger(Index0),
        "revindex" => new BigInteger(items.Count - Index0),
        "revindex0" => new BigInteger(items.Count - Index0 - 1),
        "first" => Index0 == 0,
        "last" => Index0 == items.Count - 1,
        "length" => new BigInteger(items.Count),
        "depth" => BigInteger.One,                                       // how deep a recursive loop is, and there are none
        "depth0" => BigInteger.Zero,
        "previtem" => Index0 > 0 ? items[Index0 - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index0 + 1 < items.Count ? items[Index0 + 1] : new Undefined("there is no next item"),
        "cycle" => new Function("loop.cycle", (_, arguments) => arguments.Positional.Count > 0
            ? arguments.Positional[Index0 % arguments.Positional.Count]
            : throw new TemplateException("loop.cycle needs the values to go through")),
        "changed" => new Function("loop.changed", (rendering, arguments) =>
        {
            var now = new Sequence(arguments.Positional, SequenceKind.Tuple);
            var changed = _lastChanged is null || !Comparing.AreEqual(_lastChanged, now, rendering.Budget);
            _lastChanged = now;
            return changed;
        }),
        _ => null,
    };
}
