using System.Diagnostics;
using System.Globalization;

namespace Dolmen.Artifacts;

/// <param name="Method"><c>rapl</c>: the processor's own counters (everything that ran meanwhile included); <c>assumed</c>: CPU seconds of
/// this process times <see cref="EnergyMeter.AssumedWattsPerCore"/>.</param>
public sealed record EnergyEstimate(double Joules, string Method)
{
    public double WattHours => Joules / 3600;
}

/// <summary>Energy since it was started. RAPL where the kernel lets this process read it, otherwise an assumption that says so.</summary>
public sealed class EnergyMeter
{
    /// <summary>Package power over active cores of current server and laptop processors at full vector load lies at 5–15 W.</summary>
    public const double AssumedWattsPerCore = 10;

    public const string DefaultPowerCap = "/sys/class/powercap";

    private readonly List<Counter> _counters = [];
    private readonly double _cpuSeconds = CpuSeconds();

    private EnergyMeter() { }

    public static EnergyMeter Start(string powerCap = DefaultPowerCap)
    {
        var meter = new EnergyMeter();
        if (!Directory.Exists(powerCap)) return meter;
        foreach (var zone in Directory.EnumerateDirectories(powerCap, "intel-rapl:*").Order(StringComparer.Ordinal))
        {
            // Packages are "intel-rapl:0"; "intel-rapl:0:1" is a part of one and would be counted twice.
            if (Path.GetFileName(zone).Count(letter => letter == ':') != 1) continue;
            if (Read(Path.Combine(zone, "energy_uj")) is not { } start) continue;
            meter._counters.Add(new Counter(Path.Combine(zone, "energy_uj"), start, Read(Path.Combine(zone, "max_energy_range_uj")) ?? 0));
        }
        return meter;
    }

    public EnergyEstimate Stop()
    {
        if (_counters.Count == 0) return new EnergyEstimate((CpuSeconds() - _cpuSeconds) * AssumedWattsPerCore, "assumed");
        double joules = 0;
        foreach (var counter in _counters)
        {
            var spent = (Read(counter.File) ?? counter.Start) - counter.Start;
            if (spent < 0) spent += counter.Range;                       // the counter started again from 0
            joules += spent * 1e-6;
        }
        return new EnergyEstimate(joules, "rapl");
    }

    private static double CpuSeconds()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalSeconds;
    }

    private static double? Read(string file)
    {
        try
        {
            var text = RegularFile.ReadAllText(file).AsSpan().Trim();
            return double.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;                                                 // readable by root alone on most systems
        }
    }

    private sealed record Counter(string File, double Start, double Range);
}
