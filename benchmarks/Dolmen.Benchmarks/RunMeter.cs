using System.Diagnostics;
using Dolmen.Artifacts;

namespace Dolmen.Benchmarks;

/// <summary>Time and energy of the parts of a run that count.</summary>
internal sealed class RunMeter
{
    private readonly Stopwatch _clock = new();
    private EnergyMeter? _energy;
    private double _joules;

    public double Seconds => _clock.Elapsed.TotalSeconds;

    /// <summary>How energy was had, see <see cref="EnergyEstimate"/>.</summary>
    public string Method { get; private set; } = "";

    public void Start()
    {
        _energy = EnergyMeter.Start();
        _clock.Start();
    }

    public void Stop()
    {
        _clock.Stop();
        var spent = _energy!.Stop();
        (_joules, Method) = (_joules + spent.Joules, spent.Method);
    }

    public Speed Of(int tokens) => new(tokens / Seconds, _joules / tokens, Method);
}

internal readonly record struct Speed(double TokensPerSecond, double JoulesPerToken, string Method);
