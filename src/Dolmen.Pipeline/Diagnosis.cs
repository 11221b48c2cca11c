using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Data.Inputs;
using Dolmen.Modeling;
using Dolmen.Modeling.Native;
using TorchSharp;

namespace Dolmen.Pipeline;

/// <param name="Missing">What Dolmen cannot work without, each with the way out.</param>
/// <param name="Warnings">What some commands would miss.</param>
/// <param name="Libtorch">Null when it cannot be loaded; then nothing was measured either.</param>
public sealed record Diagnosis(
    string? Sdk,
    string Runtime,
    string? Libtorch,
    MachineSnapshot Machine,
    int Threads,
    Roofline? Peak,
    long FreeMemoryBytes,
    long FreeDiskBytes,
    string Disk,
    string? ComputePath,
    IReadOnlyList<ArithmeticRate> Arithmetics,
    int DefaultCorpusFiles,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Warnings
)
{
    private const long LeastMemoryBytes = 2L << 30, LeastDiskBytes = 2L << 30;

    /// <summary>The model whose products are compared: a transformer of ten million parameters.</summary>
    private static readonly TransformerConfig Reference = new(8192, 256, 10, 4, 4, 64, 704, 256);

    /// <summary>Measures for about two seconds.</summary>
    /// <param name="anew">Forgets which arithmetic was measured to be fastest for any model, and measures again.</param>
    public static Diagnosis Make(string folder, int? threads, bool anew = false)
    {
        List<string> missing = [], warnings = [];
        var machine = MachineSnapshot.Take();
        var sdk = NewestSdk();
        if (sdk is null)
            warnings.Add(
                "no .NET SDK 10 was found beside the runtime: Dolmen runs, but cannot rebuild itself. Install it from "
                    + "https://dot.net/download."
            );
        var (libtorch, peak, choice) = Measure(threads, anew, missing);
        if (choice is { IsDisturbed: true })
            warnings.Add(
                "other work disturbed the measurement of the arithmetic, so it is not kept: run 'dolmen doctor --measure' when the "
                    + "machine is quiet."
            );
        var defaultFiles = DefaultFiles(warnings);
        var drive = new DriveInfo(Path.GetFullPath(folder));
        var free = AvailableMemory() ?? machine.MemoryBytes;
        if (free < LeastMemoryBytes)
            warnings.Add(
                $"only {free / 1e9:0.0} GB of memory are free: the quickstart takes up to {LeastMemoryBytes / 1e9:0.0} GB. Close "
                    + $"something, or lower training.microBatchTokens."
            );
        if (drive.AvailableFreeSpace < LeastDiskBytes)
            warnings.Add(
                $"only {drive.AvailableFreeSpace / 1e9:0.0} GB are free on {drive.Name}: a run may take {LeastDiskBytes / 1e9:0.0} GB. "
                    + $"Free some, or name another --out."
            );
        return new Diagnosis(
            sdk,
            machine.Runtime,
            libtorch,
            machine,
            threads ?? machine.Cores,
            peak,
            free,
            drive.AvailableFreeSpace,
            drive.Name,
            choice is null ? null : $"{Modeling.ComputePath.Name(choice.Fastest)}, for a transformer of ten million parameters",
            choice?.Rates ?? [],
            defaultFiles,
            missing,
            warnings
        );
    }

    public string ToJson() => JsonSerializer.Serialize(this, DiagnosisJson.Default.Diagnosis);

    private static (string? Libtorch, Roofline? Peak, ArithmeticChoice? Choice) Measure(int? threads, bool anew, List<string> missing)
    {
        try
        {
            LibtorchLibrary.Open();
        }
        catch (UserErrorException error)
        {
            missing.Add(error.Message);
            return (null, null, null);
        }
        try
        {
            Engine.Start(threads);
            if (anew) ArithmeticChoice.Forget();
            return (torch.__version__, Roofline.Measure(), ArithmeticChoice.For(Reference));
        }
        catch (Exception error)
            when (error is DllNotFoundException or TypeInitializationException or NotSupportedException or EntryPointNotFoundException)
        {
            missing.Add($"libtorch cannot be used: {error.GetBaseException().Message.Split('\n')[0]}");
            return (null, null, null);
        }
    }

    private static int DefaultFiles(List<string> warnings)
    {
        try
        {
            return CorpusInputs.CountDefaultFiles();
        }
        catch (UserErrorException error)
        {
            warnings.Add(error.Message);
            return 0;
        }
    }

    private static string? NewestSdk()
    {
        // The runtime lies in shared/NAME/VERSION of the folder that holds the SDK's.
        var root = Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } named ? named
            : Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..");
        var folder = Path.Combine(root, "sdk");
        if (!Directory.Exists(folder)) return null;
        return Directory.GetDirectories(folder).Select(path => Path.GetFileName(path))
            .Where(name => Version.TryParse(name.Split('-')[0], out var version) && version.Major >= 10)
            .OrderByDescending(name => Version.Parse(name.Split('-')[0])).FirstOrDefault();
    }

    private static long? AvailableMemory()
    {
        const string File = "/proc/meminfo", Label = "MemAvailable:";
        if (!System.IO.File.Exists(File)) return null;
        var line = RegularFile.ReadLines(File).FirstOrDefault(text => text.StartsWith(Label, StringComparison.Ordinal));
        return line is not null && long.TryParse(line.AsSpan(Label.Length).Trim().ToString().Split(' ')[0], out var kibibytes)
            ? kibibytes * 1024
            : null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(Diagnosis))]
internal sealed partial class DiagnosisJson : JsonSerializerContext;
