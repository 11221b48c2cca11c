using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Artifacts;

/// <summary>What a result was measured on.</summary>
/// <param name="CpuFeatures">Vector and matrix instruction sets a kernel might use, in the processor's own spelling.</param>
/// <param name="MemoryBytes">What this process may use: a container's limit where there is one.</param>
public sealed record MachineSnapshot(
    string CpuModel, int Cores, IReadOnlyList<string> CpuFeatures, long MemoryBytes, string OperatingSystem, string Runtime)
{
    private static readonly string[] InterestingFlags =
    [
        "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
        "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "bf16", "i8mm", "sve",
    ];

    public static MachineSnapshot Take()
    {
        var (model, flags) = ReadCpuInfo();
        return new MachineSnapshot(
            model, Environment.ProcessorCount, flags, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription);
    }

    /// <summary>Highest resident memory of this process since it began, or since <see cref="RestartPeakMemory"/>.</summary>
    public static long PeakMemoryBytes()
    {
        const string Status = "/proc/self/status", Label = "VmHWM:";
        if (OnLinuxWith(Status))
        {
            foreach (var line in RegularFile.ReadLines(Status))
            {
                if (!line.StartsWith(Label, StringComparison.Ordinal)) continue;
                var digits = line.AsSpan(Label.Length).Trim();
                var end = digits.IndexOf(' ');
                if (long.TryParse(end < 0 ? digits : digits[..end], CultureInfo.InvariantCulture, out var kibibytes))
                    return kibibytes * 1024;
            }
        }
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    /// <summary>Linux lets a process begin its peak anew, so that each stage gets its own; elsewhere the peak keeps rising.</summary>
    public static bool RestartPeakMemory()
    {
        const string ClearReferences = "/proc/self/clear_refs";
        if (!OnLinuxWith(ClearReferences)) return false;
        try
        {
            File.WriteAllText(ClearReferences, "5");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool OnLinuxWith(string file) => System.OperatingSystem.IsLinux() && File.Exists(file);

    private static (string Model, IReadOnlyList<string> Flags) ReadCpuInfo()
    {
        const string Path = "/proc/cpuinfo";
        if (!OnLinuxWith(Path)) return (FallbackModel(), FallbackFeatures());
        string? model = null;
        string[] flags = [];
        foreach (var line in RegularFile.ReadLines(Path))
        {
            var colon = line.IndexOf(':');
            if (colon < 0) continue;
            var key = line[..colon].Trim();
            var value = line[(colon + 1)..].Trim();
            if (key is "model name") model ??= value;
            else if (key is "flags" or "Features" && flags.Length == 0) flags = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        return (model ?? FallbackModel(), [.. InterestingFlags.Where(flags.Contains)]);
    }

    private static string FallbackModel() =>
        Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{RuntimeInformation.ProcessArchitecture} processor";

    private static IReadOnlyList<string> FallbackFeatures() =>
        [
            .. new (string Name, bool Has)[]
            {
                ("avx", Avx.IsSupported),
                ("avx2", Avx2.IsSupported),
                ("fma", Fma.IsSupported),
                ("avx512f", Avx512F.IsSupported),
            }
                .Where(feature => feature.Has)
                .Select(feature => feature.Name),
        ];
}
