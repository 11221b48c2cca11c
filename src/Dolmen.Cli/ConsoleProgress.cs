using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Pipeline.Reports;

namespace Dolmen.Cli;

/// <summary>One live line on a terminal, one line every ten seconds elsewhere; always on stderr, with rate and time left.</summary>
internal sealed class ConsoleProgress(bool quiet = false) : IProgress<StageProgress>, IDisposable
{
    private readonly bool _live = !Console.IsErrorRedirected;
    private readonly Lock _gate = new();
    private string _stage = "";
    private double _firstDone;
    private long _started;
    private long _shown;
    private int _width;

    public void Report(StageProgress value)
    {
        if (quiet) return;
        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            if (value.Stage != _stage)
            {
                EndLine();
                (_stage, _firstDone, _started, _shown) = (value.Stage, value.Done, now, 0);
            }
            var finished = value.Total > 0 && value.Done >= value.Total;
            var pause = _live ? 0.1 : 10;
            if (_shown != 0 && !finished && Stopwatch.GetElapsedTime(_shown, now).TotalSeconds < pause) return;
            if (_shown == 0 && !_live && !finished && Stopwatch.GetElapsedTime(_started, now).TotalSeconds < 2) return;
            _shown = now;
            Show(ProgressLine.Of(value, _firstDone, Stopwatch.GetElapsedTime(_started, now).TotalSeconds));
        }
    }

    /// <summary>A line of its own, which the live line goes on below.</summary>
    public void Say(string text)
    {
        lock (_gate)
        {
            EndLine();
            Console.Error.WriteLine($"dolmen: {text}");
        }
    }

    public void Dispose() => EndLine();

    private void Show(IReadOnlyList<string> parts)
    {
        if (!_live)
        {
            Console.Error.WriteLine(string.Join(ProgressLine.Separator, parts));
            return;
        }
        var line = ProgressLine.Fit(parts, Math.Max(20, Console.WindowWidth - 1));
        Console.Error.Write('\r' + line.PadRight(_width));
        _width = line.Length;
    }

    private void EndLine()
    {
        if (_live && _width > 0) Console.Error.WriteLine();
        _width = 0;
    }
}
