using System.Text;

namespace Dolmen.Inference;

/// <summary>Lets text through as it comes but keeps back what may turn out to be the beginning of a stop string.</summary>
/// <param name="showStop">The stop string itself is let through too.</param>
internal sealed class TextGate(IReadOnlyList<string> stops, Action<string>? onText, bool showStop = false)
{
    private readonly StringBuilder _passed = new();
    private string _held = "";

    /// <summary>A stop string was met; it and what follows it are not passed on.</summary>
    public bool Stopped { get; private set; }

    public string Text => _passed.ToString();

    /// <param name="mayStop">False lets all of the piece through: the text is not yet as long as was asked for.</param>
    public void Add(string piece, bool mayStop = true)
    {
        if (Stopped || piece.Length == 0) return;
        _held += piece;
        if (!mayStop)
        {
            Pass(_held.Length);
            return;
        }
        var (end, length) = (-1, 0);
        foreach (var stop in stops)
        {
            var at = _held.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (end < 0 || at < end)) (end, length) = (at, stop.Length);
        }
        if (end >= 0)
        {
            Stopped = true;
            Pass(showStop ? end + length : end);
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
