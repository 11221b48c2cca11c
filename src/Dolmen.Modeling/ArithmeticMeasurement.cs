// N rows, D inputs, F outputs
using System.Diagnostics;
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

/// <summary>Times the three products of every linear layer of a model in each arithmetic, in turns, and keeps the best of a few runs:
/// what else the machine does then meets all candidates alike.</summary>
internal static class ArithmeticMeasurement
{
    /// <summary>Rows of one product, a micro-batch of a small model; fewer for large models, so that all takes about a second.</summary>
    private const int MostRows = 2048, LeastRows = 128;

    private const double FlopsPerCandidate = 6e9;

    private const int Runs = 3;

    public static ArithmeticChoice Run(IReadOnlyList<ProductShape> shapes)
    {
        using var noGradient = no_grad();
        var weights = Math.Max(1, shapes.Sum(shape => shape.Weights));
        var rows = (int)Math.Clamp(FlopsPerCandidate / (6.0 * Runs * weights), LeastRows, MostRows) / 16 * 16;
        var seconds = ComputePath.Candidates.ToDictionary(candidate => candidate, _ => 0.0);
        foreach (var shape in shapes)
        {
            var best = ComputePath.Candidates.ToDictionary(candidate => candidate, _ => double.PositiveInfinity);
            for (var run = 0; run <= Runs; run++)
            {
                foreach (var candidate in ComputePath.Candidates)
                {
                    var time = Seconds(shape, rows, candidate);
                    if (run > 0) best[candidate] = Math.Min(best[candidate], time);           // the first run warms up
                }
            }
            foreach (var (candidate, time) in best) seconds[candidate] += shape.Count * time;
        }
        new ComputePath(Precision.Float32, "").Begin();
        var flops = 6.0 * rows * shapes.Sum(shape => shape.Count * shape.Weights);
        var rates = ComputePath.Candidates.Select(candidate => new ArithmeticRate(candidate, flops / Math.Max(1e-9, seconds[candidate])))
            .OrderByDescending(rate => rate.FlopsPerSecond).ToList();
        return new ArithmeticChoice(rates[0].Arithmetic, rates);
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
