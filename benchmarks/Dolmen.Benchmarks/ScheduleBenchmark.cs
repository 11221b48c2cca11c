using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Tokenization;

namespace Dolmen.Benchmarks;

/// <summary>Many texts at once against one after another, with prompts and answers of mixed lengths, keys and values in float32 and in
/// eight bits; and the longest that a stream waits for its next token while a long prompt is read beside it. A row says what share of the
/// machine's fp32 products the texts reach, and how many times one after another they could be at all of it.</summary>
internal sealed class ScheduleBenchmark : Benchmark
{
    private const int Texts = 64;
    private const int LongPrompt = 10_000;
    private const int Rounds = 3;

    public override string Name => "schedule";

    public override string Description =>
        "tokens/s of 64 texts at once against one after another, and how long a stream waits beside a prompt";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        var peak = Roofline.Measure().Float32Flops;
        foreach (var (name, config) in ModelSizes.All.Where(size => size.Name != "10M"))
        {
            using var trained = TrainableModel.Build(config, Compute.Host());
            trained.Parameters.Initialize(1);
            var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
            // The weights know nothing of the context's length.
            var longer = config with { ContextLength = LongPrompt + 1000 };
            using var model = new DecoderModel(longer, tensor => tensors[tensor]);
            using var small = new DecoderModel(longer, tensor => tensors[tensor], kept: KvPrecision.Int8);
            var requests = Requests(config.VocabSize);
            List<double> together = [], inEightBits = [], single = [];
            for (var round = 0; round < Rounds; round++)
            {
                progress.Report(new StageProgress($"bench schedule {name}", round, Rounds, "rounds", ""));
                together.Add(TokensPerSecond(model, requests, Texts, stop));
                inEightBits.Add(TokensPerSecond(small, requests, Texts, stop));
                single.Add(TokensPerSecond(model, requests[..8], 1, stop));
            }
            var (many, few, one) = (Measured.Of(together), Measured.Of(inEightBits), Measured.Of(single));
            var flops = FlopsPerToken(config, requests);
            var most = peak / flops / one.Median;
            var wait = LongestWait(model, config.VocabSize, stop);
            foreach (var (kept, rate) in new[] { ("", many), (", int8 keys and values", few) })
            {
                yield return new BenchmarkRow(
                    $"{name}: {Texts} texts at once{kept} ({rate.Median * flops / peak:P0} of fp32 peak, which is {most:0.0} times)",
                    rate.Median, "tokens/s", $"one after another ({one.Median:0})", rate.Median / one.Median, Rounds, rate.Spread);
            }
            yield return new BenchmarkRow(
                $"{name}: longest wait beside a prompt of {LongPrompt}", wait, "ms", "200 ms", 200 / wait, 1, 0);
        }
    }

    private static List<GenerationRequest> Requests(int vocabSize)
    {
        var random = new StableRandom(3);
        var requests = new List<GenerationRequest>();
        for (var i = 0; i < Texts; i++)
        {
            int[] prompt = [.. Enumerable.Range(0, 16 + random.Next(112)).Select(_ => random.Next(vocabSize))];
            requests.Add(Request(prompt, 32 + random.Next(96), (ulong)i));
        }
        return requests;
    }

    /// <summary>Operations for a token of the answers, those for the prompts included; of a prompt the last token alone needs the
    /// head.</summary>
    private static double FlopsPerToken(TransformerConfig config, List<GenerationRequest> requests)
    {
        var head = 2.0 * config.VocabSize * config.DModel;
        var flops = requests.Sum(request =>
        {
            var length = request.Prompt.Length + request.Options.MaxTokens;
            return length * config.ForwardFlopsPerToken(length) - (request.Prompt.Length - 1) * head;
        });
        return flops / requests.Sum(request => request.Options.MaxTokens);
    }

    private static GenerationRequest Request(int[] prompt, int maxTokens, ulong seed) =>
        new(prompt, new GenerationOptions(new SamplingOptions(Temperature: 0.8, Seed: seed), maxTokens) { IgnoreEnds = true });

    private static double TokensPerSecond(DecoderModel model, List<GenerationRequest> requests, int atOnce, CancellationToken stop)
    {
        using var scheduler = new Scheduler(
            model, new NumberTokenizer(model.Config.VocabSize), new SchedulerOptions(MaxSequences: atOnce, CachePrefixes: false));
        var clock = Stopwatch.StartNew();
        var generations = requests.ConvertAll(request => scheduler.Submit(request, stop));
        while (scheduler.Step()) stop.ThrowIfCancellationRequested();
        return generations.Sum(generation => generation.Result.Result.Tokens.Length) / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Most milliseconds between two tokens of a stream while a long prompt is read.</summary>
    private static double LongestWait(DecoderModel model, int vocabSize, CancellationToken stop)
    {
        using var scheduler = new Scheduler(model, new NumberTokenizer(vocabSize), new SchedulerOptions(CachePrefixes: false));
        var random = new StableRandom(4);
        scheduler.Submit(Request([1, 2, 3], LongPrompt, 1), stop);
        for (var i = 0; i < 20; i++) scheduler.Step();
        var reading = scheduler.Submit(Request([.. Enumerable.Range(0, LongPrompt).Select(_ => random.Next(vocabSize))], 1, 2), stop);
        var longest = 0.0;
        while (!reading.Result.IsCompleted)
        {
            var clock = Stopwatch.StartNew();
            scheduler.Step();
            stop.ThrowIfCancellationRequested();
            longest = Math.Max(longest, clock.Elapsed.TotalMilliseconds);
        }
        return longest;
    }

    /// <summary>Every id is a letter: the benchmark is about the model.</summary>
    private sealed class NumberTokenizer(int vocabSize) : Tokenizer
    {
        public override int VocabSize => vocabSize;

        public override SpecialTokens Special { get; } = new(-1, -1, -1, -1, -1, -1, -1);

        public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false) =>
            throw new NotSupportedException();

        public override ReadOnlySpan<byte> BytesOf(int token) => "a"u8;
    }
}
