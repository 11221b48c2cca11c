using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Serving;
using Dolmen.Tokenization;

namespace Dolmen.Benchmarks;

/// <summary>A server in this process and clients over real connections: speed of many against one, memory, texts compared with those
/// computed alone, what bad clients cost the good ones, and how long a stream waits beside a long prompt.</summary>
internal sealed class ServeBenchmark : Benchmark
{
    private const int LongPrompt = 10_000;
    private const double DefaultSeconds = 120;
    private const int DefaultClients = 64;

    public override string Name => "serve";

    public override string Description => "many clients of one server: speed, memory, equal texts, bad clients, a long prompt";

    public override bool HasParts => true;

    public override bool HasLoad => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs is not { Paths.Count: 0, Model: null })
            throw new UserErrorException("--input and --model are nothing to the benchmark serve: leave them out.");
        var (seconds, clients) = (inputs.Seconds ?? DefaultSeconds, inputs.Clients ?? DefaultClients);
        foreach (var (name, config) in ModelSizes.All.Where(size => size.Name != "10M" && inputs.Wants(size.Name)))
        {
            progress.Report(new StageProgress($"bench serve {name}", 0, 1, "", ""));
            foreach (var row in Measure(name, config, seconds, clients, stop).GetAwaiter().GetResult()) yield return row;
        }
    }

    private static async Task<List<BenchmarkRow>> Measure(
        string name, TransformerConfig config, double seconds, int clients, CancellationToken stop)
    {
        using var trained = TrainableModel.Build(config, Compute.Host());
        trained.Parameters.Initialize(1);
        var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        // The weights know nothing of the context's length.
        using var model = new DecoderModel(config with { ContextLength = LongPrompt + 1000 }, tensor => tensors[tensor]);
        // Room for about half of the texts at once, so that the budget is felt.
        var budget = Math.Max(1L << 20, clients * config.StateBytes(128, sizeof(float)) / 2);
        var options = new ServerOptions(MaxWaiting: 4 * clients, StateBytes: budget, MaxSequences: clients);
        using var port = new BoundPort("127.0.0.1", 0);
        var served = new ServedModel(name, model, new LetterTokenizer(config.VocabSize));
        await using var server = await CompletionServer.Start([ModelSource.Of(served)], port, options, TimeProvider.System, _ => { });
        using var users = new ServeClients(server.Address, Requests(config.VocabSize, clients));
        await users.Alone(stop);                                         // prompts are known from here on, to one and to many
        var one = await users.Alone(stop);

        using var watched = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var memory = Watch(model, watched.Token);
        var many = await users.Together(clients, int.MaxValue, seconds * 0.7, stop);
        await watched.CancelAsync();
        var (states, workingSet) = await memory;

        var few = Math.Max(1, clients / 4);
        var quiet = await users.Together(few, int.MaxValue, seconds * 0.15, stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var disturbing = users.Disturb(Math.Max(1, few / 4), over.Token);
        var disturbed = await users.Together(few, int.MaxValue, seconds * 0.15, stop);
        await over.CancelAsync();
        await disturbing;
        var gap = await users.LongestGap(
            Body([1, 2, 3], LongPrompt, seed: 1).TrimEnd('}') + ",\"stream\":true}",
            () => users.Ask(new ServeRequest(Body(Ids(config.VocabSize, LongPrompt, 9), 1, seed: 2), 1), stream: false, stop), stop);

        ServeOutcome[] all = [many, quiet, disturbed];
        var (answered, wrong) = (all.Sum(phase => phase.Answered), all.Sum(phase => phase.Lost + phase.Different));
        return
        [
            new($"{name}: {clients} clients", many.TokensPerSecond, "tokens/s", $"one client ({one.TokensPerSecond:0})",
                many.TokensPerSecond / one.TokensPerSecond, 1, 0),
            new($"{name}: lost, or unlike the text computed alone, of {answered}", wrong, "requests", "0", wrong == 0 ? 1 : 0, 1, 0),
            new($"{name}: memory of states", states / 1e6, "MB", $"the budget ({budget / 1e6:0})", (double)budget / states, 1, 0),
            new($"{name}: working set, clients included", workingSet / 1e6, "MB", "", 1, 1, 0),
            new($"{name}: a token's time beside bad clients", disturbed.MedianLatency, "ms", $"without ({quiet.MedianLatency:0.00})",
                quiet.MedianLatency / disturbed.MedianLatency, 1, 0),
            new($"{name}: longest wait of a stream beside a prompt of {LongPrompt}", gap, "ms", "200 ms", 200 / gap, 1, 0),
        ];
    }

    /// <summary>The most that was seen of states' memory and of the process's.</summary>
    private static async Task<(long States, long WorkingSet)> Watch(DecoderModel model, CancellationToken over)
    {
        var (states, workingSet) = (1L, 0L);
        while (!over.IsCancellationRequested)
        {
            (states, workingSet) = (Math.Max(states, model.StateBytes), Math.Max(workingSet, Environment.WorkingSet));
            await Task.Delay(20, CancellationToken.None);
        }
        return (states, workingSet);
    }

    /// <summary>Prompts of 16 to 127 tokens and answers of 32 to 127.</summary>
    private static List<ServeRequest> Requests(int vocabSize, int count)
    {
        var random = new StableRandom(3);
        var requests = new List<ServeRequest>();
        for (var i = 0; i < count; i++)
        {
            var (prompt, tokens) = (Ids(vocabSize, 16 + random.Next(112), (ulong)i), 32 + random.Next(96));
            requests.Add(new ServeRequest(Body(prompt, tokens, i), tokens));
        }
        return requests;
    }

    private static int[] Ids(int vocabSize, int count, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabSize))];
    }

    private static string Body(int[] prompt, int tokens, int seed) =>
        $$"""{"prompt":[{{string.Join(',', prompt)}}],"max_tokens":{{tokens}},"temperature":0.8,"seed":{{seed}},"ignore_eos":true}""";

    /// <summary>Every id is a character of its own, so that texts are equal only if their tokens are.</summary>
    private sealed class LetterTokenizer : Tokenizer
    {
        private const int First = 0x4E00;

        private readonly byte[][] _letters;

        public LetterTokenizer(int vocabSize)
        {
            VocabSize = vocabSize;
            _letters = [.. Enumerable.Range(First, vocabSize).Select(letter => System.Text.Encoding.UTF8.GetBytes([(char)letter]))];
        }

        public override int VocabSize { get; }

        public override SpecialTokens Special { get; } = new(-1, -1, -1, -1, -1, -1, -1);

        public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false) =>
            throw new NotSupportedException();

        public override ReadOnlySpan<byte> BytesOf(int token) => _letters[token];
    }
}
