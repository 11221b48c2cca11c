using System.Text;

namespace Dolmen.Inference;

/// <summary>Lets text through as it comes but keeps back what may turn out to be the beginning of a stop string.</summary>
internal sealed class TextGate(IReadOnlyList<string> stops, Action<string>? onText)
{
    private readonly StringBuilder _passed = new();
    private string _held = "";

    /// <summary>A stop string was met; it and what follows it are not passed on.</summary>
    public bool Stopped { get; private set; }

    public string Text => _passed.ToString();

    public void Add(string piece)
    {
        if (Stopped || piece.Length == 0) return;
        _held += piece;
        var end = -1;
        foreach (var stop in stops)
        {
            var at = _held.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (end < 0 || at < end)) end = at;
        }
        if (end >= 0)
        {
            Stopped = true;
            Pass(end);
            _held = "";
        }
        else Pass(_held.Length - LongestBeginning());
    }

    /// <summary>No more text comes: what was kept back is text after all.</summary>
    public void Finish() => Pass(_held.Length);

    private void Pass(int length)
    {
        if (length == 0) return;
        var text = _held[..length];
        _held = _held[length..];
        _passed.Append(text);
        onText?.Invoke(text);
    }

    /// <summary>Length of the longest end of the held text that begins a stop string.</summary>
    private int LongestBeginning()
    {
        var longest = 0;
        foreach (var stop in stops)
        {
            for (var length = Math.Min(stop.Length - 1, _held.Length); length > longest; length--)
            {
                if (_held.AsSpan(_held.Length - length).SequenceEqual(stop.AsSpan(0, length))) longest = length;
            }
        }
        return longest;
    }
}
