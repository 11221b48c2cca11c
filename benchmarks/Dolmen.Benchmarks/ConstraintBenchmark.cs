using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Inference.Constraints;
using Dolmen.Modeling;
using Dolmen.Tokenization;

namespace Dolmen.Benchmarks;

/// <summary>What holding a text to a form costs: the same model with and without, after the form was used once.</summary>
internal sealed class ConstraintBenchmark : Benchmark
{
    private const int Rounds = 7;
    private const int TokensPerText = 192;
    private const int TextsPerRound = 8;

    private static readonly (string Name, Func<Tokenizer, TextConstraint> Compile)[] Forms =
    [
        ("JSON schema", tokenizer => TextConstraint.JsonSchema(JsonElement.Parse(
            """
            {"type":"array","minItems":40,"items":{"type":"object","additionalProperties":false,"required":["name","tags","count"],
            "properties":{"name":{"type":"string"},"tags":{"type":"array","items":{"enum":["red","green","blue"]}},"count":{"type":"integer"}}}}
            """), tokenizer)),
        ("regular expression", tokenizer => TextConstraint.Regex("([A-Za-z ]+[.!?] )+", tokenizer)),
        ("grammar", tokenizer => TextConstraint.Grammar("root ::= expr (\"; \" expr)+\nexpr ::= [a-z]+ | \"(\" expr \"+\" expr \")\"",
            tokenizer)),
    ];

    public override string Name => "constraints";

    public override string Description => "decoding tokens/s of texts held to a form against free ones, at 1M parameters";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop)
    {
        var config = ModelSizes.All[0].Config;
        using var trained = TrainableModel.Build(config, Compute.Host());
        trained.Parameters.Initialize(1);
        var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        using var model = new DecoderModel(config, tensor => tensors[tensor]);
        var tokenizer = new LetterTokenizer(config.VocabSize);
        var generator = new Generator(model, tokenizer);
        foreach (var (name, compile) in Forms)
        {
            var clock = Stopwatch.StartNew();
            var form = compile(tokenizer);
            var compiling = clock.Elapsed.TotalMilliseconds;
            TokensPerSecond(generator, form, stop);
            TokensPerSecond(generator, null, stop);
            List<double> held = [], free = [];
            for (var round = 0; round < Rounds; round++)
            {
                progress.Report(new StageProgress($"bench constraints {name}", round, Rounds, "rounds", ""));
                held.Add(TokensPerSecond(generator, form, stop));
                free.Add(TokensPerSecond(generator, null, stop));
            }
            var (with, without) = (Measured.Of(held), Measured.Of(free));
            yield return new BenchmarkRow($"1M: {name} (compiled in {compiling:0.0} ms)", with.Median, "tokens/s",
                $"free ({without.Median:0})", with.Median / without.Median, Rounds, with.Spread);
        }
    }

    private static double TokensPerSecond(Generator generator, TextConstraint? form, CancellationToken stop)
    {
        var (tokens, seconds) = (0, 0.0);
        for (ulong seed = 1; seed <= TextsPerRound; seed++)
        {
            var options = new GenerationOptions(new SamplingOptions(Seed: seed), TokensPerText) { IgnoreEnds = true, Constraint = form };
            var result = generator.Generate([1, 2, 3], options, stop: stop);
            (tokens, seconds) = (tokens + result.Statistics.DecodeTokens, seconds + result.Statistics.DecodeSeconds);
        }
        return tokens / seconds;
    }

    /// <summary>The bytes, and words and pieces of words beside them, as a vocabulary of text has them.</summary>
    private sealed class LetterTokenizer(int size) : Tokenizer
    {
        private readonly byte[][] _pieces = Pieces(size);

        public override int VocabSize => size;

        public override SpecialTokens Special { get; } = new(256, 257, 258, 259, 260, 261, 262);

        public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
        {
            foreach (var value in Encoding.UTF8.GetBytes(text.ToString())) output.Add(value);
        }

        public override ReadOnlySpan<byte> BytesOf(int token) => _pieces[token];

        private static byte[][] Pieces(int size)
        {
            var random = new StableRandom(7);
            var pieces = new byte[size][];
            for (var token = 0; token < size; token++)
            {
                var letters = string.Concat(Enumerable.Range(0, 2 + random.Next(6)).Select(_ => (char)('a' + random.Next(26))));
                pieces[token] = token < 256 ? [(byte)token] : token < 263 ? Encoding.UTF8.GetBytes(SpecialTokens.Names[token - 256])
                    : Encoding.UTF8.GetBytes((token % 3) switch { 0 => letters, 1 => " " + letters, _ => letters + "\", \"" });
            }
            return pieces;
        }
    }
}
