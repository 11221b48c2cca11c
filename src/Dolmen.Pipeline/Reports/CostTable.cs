using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Artifacts.Reports;

namespace Dolmen.Pipeline.Reports;

/// <summary>What each stage took, on which machine, and how energy was told.</summary>
internal static class CostTable
{
    public static void Add(HtmlPage page, PipelineResult result)
    {
        page.Section("Time and energy", "costs");
        page.Bars(
            ["stage", "time", "tokens/s", "energy", "peak memory"],
            [
                .. result.Stages.Select(stage => ((string[])
                    [
                        stage.Stage,
                        ReportSummary.Duration(stage.Seconds),
                        result.Training.TryGetValue(stage.Stage, out var training) ? $"{training.TokensPerSecond:N0}" : "",
                        WattHours(stage.EnergyJoules),
                        $"{stage.PeakMemoryBytes / 1e6:N0} MB",
                    ],
                    stage.Seconds)),
                ((string[])
                    [
                        "all",
                        ReportSummary.Duration(result.Seconds),
                        "",
                        WattHours(result.EnergyJoules),
                        $"{result.PeakMemoryBytes / 1e6:N0} MB",
                    ],
                    double.NaN),
            ]
        );
        page.Note(
            result.EnergyMethod == "rapl"
                ? "Energy was read from the processor's own counters (RAPL), which count whatever else ran meanwhile."
                : $"Energy is an estimate: {EnergyMeter.AssumedWattsPerCore} W for each core while it was busy, since this machine does "
                    + "not let a program read the processor's counters."
        );
        var machine = result.Machine;
        var memory = (machine.MemoryBytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture);
        page.Note($"Machine: {machine.CpuModel}, {machine.Cores} cores, {memory} GB, {machine.OperatingSystem}, {machine.Runtime}.");
    }

    private static string WattHours(double joules) => $"{(joules / 3600).ToString("0.00", CultureInfo.InvariantCulture)} Wh";
}
