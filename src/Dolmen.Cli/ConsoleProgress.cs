using System.Diagnostics;
using Dolmen.Artifacts;

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
            Show(Line(value, Stopwatch.GetElapsedTime(_started, now).TotalSeconds));
        }
    }

    public void Dispose() => EndLine();

    private string Line(StageProgress value, double seconds)
    {
        var rate = seconds > 0.2 ? (value.Done - _firstDone) / seconds : 0;
        var share = value.Total > 0 ? $"{value.Done / value.Total,5:P0} " : "";
        var left = rate > 0 && value.Total > value.Done ? $" · {Duration((value.Total - value.Done) / rate)} left" : "";
        var speed = rate > 0 ? $" · {Count(rate)} {value.Unit}/s" : "";
        var of = value.Total > 0 ? $"{Count(value.Done)}/{Count(value.Total)}" : Count(value.Done);
        return $"{value.Stage,-10} {share}{of} {value.Unit}{speed}{left}{(value.Detail.Length > 0 ? " · " + value.Detail : "")}";
    }

    private void Show(string line)
    {
        if (!_live)
        {
            Console.Error.WriteLine(line);
            return;
        }
        var room = Math.Max(20, Console.WindowWidth - 1);
        if (line.Length > room) line = line[..room];
        Console.Error.Write('\r' + line.PadRight(_width));
        _width = line.Length;
    }

    private void EndLine()
    {
        if (_live && _width > 0) Console.Error.WriteLine();
        _width = 0;
    }

    private static string Count(double value) => value switch
    {
        >= 1e9 => $"{value / 1e9:0.00}G",
        >= 1e6 => $"{value / 1e6:0.00}M",
        >= 1e4 => $"{value / 1e3:0.0}k",
        _ => $"{value:0.#}",
    };

    private static string Duration(double seconds) => seconds switch
    {
        < 60 => $"{seconds:0}s",
        < 3600 => $"{(int)seconds / 60}m{(int)seconds % 60:00}s",
        _ => $"{(int)seconds / 3600}h{(int)seconds / 60 % 60:00}m",
    };
}
