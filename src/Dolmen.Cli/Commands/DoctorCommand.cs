using System.CommandLine;
using Dolmen.Pipeline;
using Spectre.Console;

namespace Dolmen.Cli.Commands;

internal static class DoctorCommand
{
    public static Command Build()
    {
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var measure = new Option<bool>("--measure") { Description = "Measure anew which arithmetic is fastest, for every model." };
        var command = new Command("doctor", "Measure this machine and say what is missing.") { threads, measure, json };
        command.Runs((parsed, _) =>
        {
            var diagnosis = Diagnosis.Make(Environment.CurrentDirectory, parsed.GetValue(threads), parsed.GetValue(measure));
            if (parsed.GetValue(json)) Console.Out.WriteLine(diagnosis.ToJson());
            else Show(diagnosis);
            foreach (var warning in diagnosis.Warnings) Console.Error.WriteLine($"dolmen: {warning}");
            foreach (var missing in diagnosis.Missing) Console.Error.WriteLine($"dolmen: {missing}");
            return diagnosis.Missing.Count > 0 ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static void Show(Diagnosis d)
    {
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("what", "value");
        void Row(string what, string value) => table.AddRow(Markup.Escape(what), Markup.Escape(value));
        Row(".NET SDK", d.Sdk ?? "none found");
        Row("runtime", d.Runtime);
        Row("libtorch", d.Libtorch ?? "cannot be loaded");
        Row("system", d.Machine.OperatingSystem);
        Row("processor", d.Machine.CpuModel);
        Row("features", string.Join(' ', d.Machine.CpuFeatures));
        Row("cores, threads used", $"{d.Machine.Cores}, {d.Threads}");
        if (d.Peak is { } peak)
        {
            Row("matrix products, fp32", $"{peak.Float32Flops / 1e9:N0} GFLOP/s");
            Row("matrix products, bf16", peak.BFloat16Flops > 0 ? $"{peak.BFloat16Flops / 1e9:N0} GFLOP/s" : "emulated");
            foreach (var rate in d.Arithmetics) Row($"training products, {rate.Arithmetic}", $"{rate.FlopsPerSecond / 1e9:N0} GFLOP/s");
            Row("memory reads", $"{peak.ReadBytesPerSecond / 1e9:0.0} GB/s");
        }
        Row("memory free", $"{d.FreeMemoryBytes / 1e9:0.0} of {d.Machine.MemoryBytes / 1e9:0.0} GB");
        Row("disk free", $"{d.FreeDiskBytes / 1e9:0.0} GB on {d.Disk}");
        Row("default corpus", d.DefaultCorpusFiles > 0 ? $"{d.DefaultCorpusFiles} files of API documentation" : "not there");
        Row("will compute with", d.ComputePath ?? "nothing: see below");
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).Write(table);
    }
}
