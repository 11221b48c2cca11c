// N rows, D inputs, F outputs
using System.Diagnostics;
using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>A linear layer's size and how many layers have it.</summary>
internal readonly record struct ProductShape(int Outputs, int Inputs, int Count)
{
    /// <summary>Tensors smaller than this are vectors and tables of state-space layers, which no product reads.</summary>
    private const int LeastSize = 16;

    public long Weights => (long)Outputs * Inputs;

    /// <summary>The matrices of a model. An embedding is counted where it is the head too.</summary>
    public static IReadOnlyList<ProductShape> Of(ModelConfig model)
    {
        var matrices = model.Tensors().Where(tensor => tensor.Shape is [>= LeastSize, >= LeastSize]).ToList();
        var hasHead = matrices.Any(tensor => tensor.Name.Contains("lm_head", StringComparison.Ordinal));
        return
        [
            .. matrices.Where(tensor => !hasHead || !tensor.Name.Contains("embed", StringComparison.Ordinal))
                .GroupBy(tensor => (tensor.Shape[0], tensor.Shape[1]))
                .OrderBy(group => group.Key)
                .Select(group => new ProductShape((int)group.Key.Item1, (int)group.Key.Item2, group.Count())),
        ];
    }
}

/// <summary>Times the three products of every linear layer of a model in each arithmetic, in turns and on one thread, as the parts of a
/// batch compute them, and keeps the best of a few runs: what else the machine does then meets all candidates alike.</summary>
internal static class ArithmeticMeasurement
{
    /// <summary>Rows of one product, a micro-batch of a small model; fewer for large models, so that all takes about a second.</summary>
    private const int MostRows = 2048, LeastRows = 128;

    private const double FlopsPerCandidate = 6e9;

    private const int Runs = 3;

    /// <summary>A thread that waited for a core for more than this share of the time measured other work as well.</summary>
    private const double MostWaiting = 0.05;

    /// <summary>Runs of the same products that differ by more than this disturbed each other's caches or clocks.</summary>
    private const double MostSpread = 0.3;

    public static ArithmeticChoice Run(IReadOnlyList<ProductShape> shapes, IReadOnlyList<Precision> candidates)
    {
        ArithmeticChoice? choice = null;
        BatchParts.RunOnOneThread(() => choice = Measure(shapes, candidates));
        return choice!;
    }

    /// <param name="waiting">The share of the time in which the measuring thread could have run but had no core.</param>
    /// <param name="spread">The median candidate's: its slowest run over its fastest, less one.</param>
    internal static bool IsDisturbed(double waiting, double spread) => waiting > MostWaiting || spread > MostSpread;

    private static ArithmeticChoice Measure(IReadOnlyList<ProductShape> shapes, IReadOnlyList<Precision> candidates)
    {
        using var noGradient = no_grad();
        var weights = Math.Max(1, shapes.Sum(shape => shape.Weights));
        var rows = (int)Math.Clamp(FlopsPerCandidate / (6.0 * Runs * weights), LeastRows, MostRows) / 16 * 16;
        var seconds = candidates.ToDictionary(candidate => candidate, _ => 0.0);
        var slowest = candidates.ToDictionary(candidate => candidate, _ => 0.0);
        var (waited, clock) = (SecondsWithoutCore(), Stopwatch.GetTimestamp());
        foreach (var shape in shapes)
        {
            var best = candidates.ToDictionary(candidate => candidate, _ => double.PositiveInfinity);
            var worst = candidates.ToDictionary(candidate => candidate, _ => 0.0);
            for (var run = 0; run <= Runs; run++)
            {
                foreach (var candidate in candidates)
                {
                    var time = Seconds(shape, rows, candidate);
                    if (run == 0) continue;                                     // it warms up
                    best[candidate] = Math.Min(best[candidate], time);
                    worst[candidate] = Math.Max(worst[candidate], time);
                }
            }
            foreach (var (candidate, time) in best) seconds[candidate] += shape.Count * time;
            foreach (var (candidate, time) in worst) slowest[candidate] += shape.Count * time;
        }
        var waiting = (SecondsWithoutCore() - waited) / Stopwatch.GetElapsedTime(clock).TotalSeconds;
        var spreads = candidates.Select(candidate => slowest[candidate] / Math.Max(1e-9, seconds[candidate]) - 1).Order().ToArray();
        new ComputePath(Precision.Float32, "").Begin();
        var flops = 6.0 * rows * shapes.Sum(shape => shape.Count * shape.Weights);
        var rates = candidates.Select(candidate => new ArithmeticRate(candidate, flops / Math.Max(1e-9, seconds[candidate])))
            .OrderByDescending(rate => rate.FlopsPerSecond).ToList();
        return new ArithmeticChoice(rates[0].Arithmetic, rates) { IsDisturbed = IsDisturbed(waiting, spreads[spreads.Length / 2]) };
    }

    /// <summary>How long this thread has waited in the queue of a core since it began; 0 where the system does not say.</summary>
    private static double SecondsWithoutCore()
    {
        const string Statistics = "/proc/thread-self/schedstat";                // nanoseconds run, nanoseconds waited, time slices
        if (!OperatingSystem.IsLinux() || !File.Exists(Statistics)) return 0;
        return RegularFile.ReadAllText(Statistics).Split(' ') is [_, var waited, ..]
            && long.TryParse(waited, CultureInfo.InvariantCulture, out var nanoseconds)
            ? nanoseconds / 1e9
            : 0;
    }

    private static double Seconds(ProductShape shape, int rows, Precision arithmetic)
    {
        using var scope = NewDisposeScope();
        var path = new ComputePath(arithmetic, "");
        path.Begin();
        var products = new LinearProducts(path.PackedProducts);
        var type = path.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var (x, weight) = (ones(rows, shape.Inputs, type), ones(shape.Outputs, shape.Inputs, type));    // (N, D), (F, D)
        var start = Stopwatch.GetTimestamp();
        var dy = products.Outputs(x, weight);                                   // (N, F)
        products.InputGradient(dy, weight);                                     // (N, D)
        products.WeightGradient(dy, x);                                         // (F, D)
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
