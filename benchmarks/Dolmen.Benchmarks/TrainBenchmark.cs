using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Training.Optimizers;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Kernels;
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Benchmarks;

/// <summary>
/// Training throughput at context 256: the same model from the same weights on the same tokens, in turns: plain TorchSharp in fp32, the
/// same under CPU autocast to bf16, and ours. The losses after the last step show that all three learn the same.
/// </summary>
internal sealed class TrainBenchmark : Benchmark
{
    private const int Context = 256;
    private const int Rows = 8;
    private const int WarmupSteps = 4;
    private const int Rounds = 5;
    private const double LearningRate = 1e-3;

    private static readonly (string Name, TransformerConfig Config, int StepsPerRound)[] Sizes =
    [
        ("1M", new(4096, 128, 4, 2, 2, 64, 352, Context), 12),
        ("10M", new(8192, 256, 10, 4, 4, 64, 704, Context), 3),
        ("30M", new(8192, 512, 8, 8, 8, 64, 1408, Context), 2),
    ];

    public override string Name => "train";

    public override string Description =>
        "training tokens/s of ours against plain TorchSharp in fp32 and under bf16 autocast (1M, 10M, 30M parameters)";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        foreach (var (name, config, stepsPerRound) in Sizes)
        {
            using var model = new LanguageDecoder(config, Compute.Choose(Precision.Auto));
            model.Parameters.Initialize(1);
            var weights = model.Export().ToList();
            var contestants = new List<Contestant> { new PlainContestant(config, weights, autocast: false) };
            if (ComputePath.HasNativeBFloat16) contestants.Add(new PlainContestant(config, weights, autocast: true));
            contestants.Add(new OurContestant(model));
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var contestant in contestants)
                {
                    stop.ThrowIfCancellationRequested();
                    progress.Report(
                        new StageProgress(
                            $"bench {name}",
                            round * contestants.Count + contestants.IndexOf(contestant),
                            Rounds * contestants.Count,
                            "runs",
                            contestant.Name
                        )
                    );
                    contestant.Measure(config.VocabSize, stepsPerRound, warmup: round == 0 ? WarmupSteps : 1);
                }
            }
            var ours = contestants[^1];
            foreach (var rival in contestants.SkipLast(1))
            {
                var (mine, theirs) = (Measured.Of(ours.Speeds), Measured.Of(rival.Speeds));
                yield return new(
                    $"{name}: tokens/s against {rival.Name} ({theirs.Median:0})",
                    mine.Median,
                    "tokens/s",
                    rival.Name,
                    mine.Median / theirs.Median,
                    mine.Runs,
                    mine.Spread
                );
            }
            foreach (var rival in contestants.SkipLast(1))
                yield return new(
                    $"{name}: loss after {ours.Steps} steps against {rival.Name} ({rival.Loss:0.0000})",
                    ours.Loss,
                    "nats",
                    rival.Name,
                    rival.Loss / ours.Loss,
                    1,
                    0
                );
            foreach (var contestant in contestants)
                contestant.Dispose();
        }
    }

    private abstract class Contestant : IDisposable
    {
        private StableRandom _random = new(7);

        public abstract string Name { get; }

        public List<double> Speeds { get; } = [];

        public double Loss { get; private set; }

        public int Steps { get; private set; }

        public void Measure(int vocab, int steps, int warmup)
        {
            for (var i = 0; i < warmup; i++) One(vocab);
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < steps; i++) One(vocab);
            Speeds.Add(steps * Rows * Context / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        public abstract void Dispose();

        protected abstract double Step(Tensor inputs, Tensor targets, int step);

        private void One(int vocab)
        {
            using var scope = NewDisposeScope();
            // A sequence with something to learn: each token mostly follows from the one before.
            var tokens = new long[Rows * (Context + 1)];
            for (var i = 1; i < tokens.Length; i++)
                tokens[i] = _random.Next(4) == 0 ? _random.Next(vocab) : (tokens[i - 1] * 17 + 3) % vocab;
            var both = tensor(tokens, [Rows, Context + 1]);
            Loss = Step(both.narrow(1, 0, Context).contiguous(), both.narrow(1, 1, Context).contiguous(), Steps++);
        }
    }

    private sealed class PlainContestant : Contestant
    {
        private readonly PlainTransformer _model;
        private readonly optim.Optimizer _optimizer;
        private readonly bool _autocast;

        public PlainContestant(TransformerConfig config, IEnumerable<(string, long[], float[])> weights, bool autocast)
        {
            _autocast = autocast;
            _model = new PlainTransformer(config);
            _model.Load(weights);
            _optimizer = optim.AdamW(_model.parameters(), LearningRate, 0.9, 0.95, 1e-8, 0.1);
        }

        public override string Name => _autocast ? "TorchSharp bf16 autocast" : "TorchSharp fp32";

        public override void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
        }

        protected override double Step(Tensor inputs, Tensor targets, int step)
        {
            _optimizer.zero_grad();
            if (_autocast && !LibtorchSettings.TrySetAutocast(true))
                throw new NotSupportedException("This libtorch does not export CPU autocast.");
            var logits = _model.call(inputs).view(Rows * Context, -1);
            if (_autocast) LibtorchSettings.TrySetAutocast(false);
            var loss = nn.functional.cross_entropy(logits.to(ScalarType.Float32), targets.view(-1));
            loss.backward();
            _optimizer.step();
            return loss.item<float>();
        }
    }

    private sealed class OurContestant(LanguageDecoder model) : Contestant
    {
        private readonly Optimizer _optimizer = new AdamWRecipe(LearningRate).Build(model.Parameters);

        public override string Name => "Dolmen";

        public override void Dispose() => _optimizer.Dispose();

        protected override double Step(Tensor inputs, Tensor targets, int step)
        {
            var loss = model.Loss(inputs, targets, 1.0 / (Rows * Context));
            loss.backward();
            model.Parameters.TakeGradients(first: true);
            _optimizer.Step(step + 1, 1, 1);
            return loss.item<float>();
        }
    }
}
