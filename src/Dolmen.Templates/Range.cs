using System.Collections;
using System.Numerics;

namespace Dolmen.Templates;

/// <summary>Python's range, with Jinja's own limit.</summary>
internal sealed class Range : IReadOnlyList<object>
{
    public const int Longest = 100_000;

    private readonly int _start, _stop, _step;

    public Range(int start, int stop, int step)
    {
        if (step == 0) throw new TemplateException("range() needs a step that is not 0");
        var count = step > 0 ? ((long)stop - start + step - 1) / step : ((long)start - stop - step - 1) / -(long)step;
        if (count > Longest) throw new TemplateException($"range() of {count} items is too long: at most {Longest}");
        (_start, _stop, _step, Count) = (start, stop, step, (int)Math.Max(0, count));
    }

    public int Count { get; }

    public object this[int index] => new BigInteger(_start + (long)index * _step);

    public IEnumerator<object> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => _step == 1 ? $"range({_start}, {_stop})" : $"range({_start}, {_stop}, {_step})";
}
