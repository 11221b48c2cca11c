using System.Collections.Concurrent;
using System.Diagnostics;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>What this machine can do at most: matrix products in both types (FLOP/s) and reading memory (bytes/s). MFU is measured
/// against the first two.</summary>
public sealed record Roofline(double Float32Flops, double BFloat16Flops, double ReadBytesPerSecond)
{
    private const int GemmSize = 1024;

    private static readonly ConcurrentDictionary<(Precision Arithmetic, int Threads), double> Measured = new();

    /// <summary>About a second. bf16 is skipped (0) where it is emulated.</summary>
    public static Roofline Measure() => new(
        GemmFlops(Precision.Float32),
        ComputePath.HasNativeBFloat16 ? GemmFlops(Precision.BFloat16) : 0,
        ReadBandwidth());

    /// <summary>Measured once in a process for each arithmetic and number of threads.</summary>
    public static double GemmFlops(Precision arithmetic) =>
        Measured.GetOrAdd((arithmetic, get_num_threads()), key => MeasureGemm(key.Arithmetic));

    private static double MeasureGemm(Precision arithmetic)
    {
        using var scope = NewDisposeScope();
        var path = new ComputePath(arithmetic, "");
        var type = path.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var a = rand(GemmSize, GemmSize).to(type);
        var b = rand(GemmSize, GemmSize).to(type);
        var products = new LinearProducts(path.PackedProducts);
        var seconds = BestSeconds(() => { using var product = products.Outputs(a, b); });
        return 2.0 * GemmSize * GemmSize * GemmSize / seconds;
    }

    private static double ReadBandwidth()
    {
        using var scope = NewDisposeScope();
        var bytes = ones(64 << 20, dtype: ScalarType.Float32);          // 256 MB: far beyond any cache
        return 4.0 * (64 << 20) / BestSeconds(() => { using var sum = bytes.sum(); });
    }

    // The best of many is the peak; the median would measure what else the machine does.
    private static double BestSeconds(Action action)
    {
        action();
        var best = double.MaxValue;
        var total = Stopwatch.StartNew();
        for (var i = 0; i < 3 || total.ElapsedMilliseconds < 250; i++)
        {
            var start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
