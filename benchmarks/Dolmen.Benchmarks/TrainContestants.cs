using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using Dolmen.Modeling.Native;
using Dolmen.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Benchmarks;

/// <summary>One way to train a model, measured in turns with the others.</summary>
internal abstract class TrainContestant(string name, int vocab) : IDisposable
{
    public const int Rows = 8;
    protected const double LearningRate = 1e-3;
    private const int Context = ModelSizes.Context;

    private StableRandom _random = new(7);

    public string Name => name;

    public List<double> Speeds { get; } = [];

    /// <summary>Of every step so far.</summary>
    public List<double> Losses { get; } = [];

    /// <summary>The first steps, which make what later ones use. Returns the seconds of the last of them.</summary>
    public double WarmUp(int steps)
    {
        Begin();
        var seconds = 0.0;
        for (var i = 0; i < steps; i++) seconds = One();
        return seconds;
    }

    /// <summary>Tokens a second over some steps; what sets the whole process up is done before each.</summary>
    public double Measure(int steps)
    {
        Begin();
        var seconds = 0.0;
        for (var i = 0; i < steps; i++) seconds += One();
        return steps * Rows * Context / seconds;
    }

    public abstract void Dispose();

    protected abstract void Begin();

    protected abstract double Step(Tensor inputs, Tensor targets, int step);

    private double One()
    {
        using var scope = NewDisposeScope();
        // A sequence with something to learn: each token mostly follows from the one before.
        var tokens = new long[Rows * (Context + 1)];
        for (var i = 1; i < tokens.Length; i++)
            tokens[i] = _random.Next(4) == 0 ? _random.Next(vocab) : (tokens[i - 1] * 17 + 3) % vocab;
        var both = tensor(tokens, [Rows, Context + 1]);
        var (inputs, targets) = (both.narrow(1, 0, Context).contiguous(), both.narrow(1, 1, Context).contiguous());
        var start = Stopwatch.GetTimestamp();
        Losses.Add(Step(inputs, targets, Losses.Count));
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>The model as a TorchSharp user would write it: fp32 through MKL or oneDNN, or under CPU autocast to bf16.</summary>
internal sealed class PlainContestant : TrainContestant
{
    private readonly PlainTransformer _model;
    private readonly optim.Optimizer _optimizer;
    private readonly Precision _precision;

    public PlainContestant(TransformerConfig config, IEnumerable<(string, long[], float[])> weights, Precision precision)
        : base($"TorchSharp {NameOf(precision)}", config.VocabSize)
    {
        _precision = precision;
        _model = new PlainTransformer(config);
        _model.Load(weights);
        _optimizer = optim.AdamW(_model.parameters(), LearningRate, 0.9, 0.95, 1e-8, 0.1);
    }

    public override void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }

    protected override void Begin() =>
        new ComputePath(_precision == Precision.Float32OneDnn ? Precision.Float32OneDnn : Precision.Float32, "").Begin();

    protected override double Step(Tensor inputs, Tensor targets, int step)
    {
        _optimizer.zero_grad();
        var autocast = _precision == Precision.BFloat16;
        if (autocast && !LibtorchSettings.TrySetAutocast(true))
            throw new NotSupportedException("This libtorch does not export CPU autocast.");
        var logits = _model.call(inputs).view(inputs.numel(), -1);              // (N, V)
        if (autocast) LibtorchSettings.TrySetAutocast(false);
        var loss = nn.functional.cross_entropy(logits.to(ScalarType.Float32), targets.view(-1));
        loss.backward();
        _optimizer.step();
        return loss.item<float>();
    }

    private static string NameOf(Precision precision) => precision switch
    {
        Precision.BFloat16 => "bf16 autocast",
        Precision.Float32OneDnn => "fp32 oneDNN",
        _ => "fp32",
    };
}

/// <summary>The same model and optimizer of ours on a path of ours, or in libtorch's operations.</summary>
internal sealed class OurContestant : TrainContestant
{
    private readonly LanguageDecoder _model;
    private readonly Optimizer _optimizer;
    private readonly ComputePath _path;

    private OurContestant(string name, LanguageDecoder model, ComputePath path) : base(name, model.Config.VocabSize)
    {
        (_model, _path) = (model, path);
        model.Parameters.Initialize(1);
        _optimizer = new AdamWRecipe(LearningRate).Build(model.Parameters);
    }

    public static OurContestant On(DecoderConfig config, Precision arithmetic)
    {
        var path = new ComputePath(arithmetic, "");
        return new OurContestant($"Dolmen {arithmetic}", new LanguageDecoder(config, Compute.Of(path)), path);
    }

    /// <summary>The model in libtorch's operations as the papers write them.</summary>
    public static OurContestant InPlainOperations(DecoderConfig config, Precision arithmetic)
    {
        var path = new ComputePath(arithmetic, "");
        return new OurContestant($"libtorch operations, {arithmetic}", new LanguageDecoder(config, Compute.Torch(path.BFloat16)), path);
    }

    public IEnumerable<(string Name, long[] Shape, float[] Values)> Weights() => _model.Export();

    public override void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }

    protected override void Begin() => _path.Begin();

    protected override double Step(Tensor inputs, Tensor targets, int step)
    {
        var loss = _model.Backward(inputs, targets, 1.0 / inputs.numel(), first: true);
        _optimizer.Step(step + 1, 1, 1);
        return loss;
    }
}
