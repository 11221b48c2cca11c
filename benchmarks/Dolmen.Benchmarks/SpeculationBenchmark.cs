using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Benchmarks;

/// <summary>What guessing tokens brings: a trained model writes on from code and from documentation, and writes a piece of it once more,
/// with and without. That the texts are the same is checked.</summary>
internal sealed class SpeculationBenchmark : Benchmark
{
    private const int Rounds = 5, Texts = 4, Piece = 200, Begun = 24, MaxTokens = 128;

    public override string Name => "speculate";

    public override string Description =>
        "decoding tokens/s with guessed tokens against without: --model, --draft-model, and code and documentation as --input";

    public override bool HasParts => true;

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        throw new UserErrorException(
            "bench speculate needs a trained model, --model DIR, and texts for it to go on with, --input PATH " +
                "(.cs is code, .md documentation).");

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Model is null || inputs.Paths.Count == 0) Run(progress, stop);
        var (model, tokenizer) = ModelFolder.Load(inputs.Model!);
        using var owned = model;
        LanguageModel? draft = null;
        if (inputs.DraftModel is { } path)
        {
            (draft, var vocabulary) = ModelFolder.Load(path);
            DraftVocabulary.Check(tokenizer, draft, vocabulary);
        }
        using var ownedDraft = draft;
        var ways = new List<(string Name, Speculation Speculation)> { ("lookup", new Speculation()) };
        if (draft is not null) ways.Add(("draft model", new Speculation { DraftModel = draft }));
        foreach (var (kind, extension) in ((string, string)[])[("code", ".cs"), ("documentation", ".md")])
        {
            var texts = TextsOf(inputs.Paths, extension, tokenizer);
            foreach (var again in (bool[])[true, false])
            {
                int[][] prompts = [.. texts.Select(text => again ? (int[])[.. text, .. tokenizer.Encode("\n\n"), .. text[..Begun]] : text)];
                foreach (var temperature in (double[])[0, 1])
                {
                    foreach (var (way, speculation) in ways)
                    {
                        var name = $"{kind}, {(again ? "written again" : "continued")}, temperature {temperature}: {way}";
                        if (!inputs.Wants(name)) continue;
                        progress.Report(new StageProgress($"bench speculate {name}", 0, 1, "cases", ""));
                        yield return Measure(name, model, tokenizer, speculation, prompts, temperature, inputs.Rounds ?? Rounds, stop);
                    }
                }
            }
        }
    }

    private static BenchmarkRow Measure(string name, LanguageModel model, Tokenizer tokenizer, Speculation speculation, int[][] prompts,
        double temperature, int rounds, CancellationToken stop)
    {
        Generator guessing = new(model, tokenizer, speculation), plain = new(model, tokenizer);
        List<double> with = [], without = [], ratios = [];
        var (drafted, accepted, tokens) = (0, 0, 0);
        for (var round = -1; round < rounds; round++)
        {
            GenerationStatistics all = new(0, 0, 0, 0), alone = all;
            foreach (var (i, prompt) in prompts.Index())
            {
                var options = new GenerationOptions(new SamplingOptions(temperature, Seed: (ulong)i), MaxTokens) { IgnoreEnds = true };
                var (expected, result) = (plain.Generate(prompt, options, stop: stop), guessing.Generate(prompt, options, stop: stop));
                if (!expected.Tokens.AsSpan().SequenceEqual(result.Tokens))
                    throw new InvalidOperationException($"{name}: the text with guesses is another one.");
                (all, alone) = (Sum(all, result.Statistics), Sum(alone, expected.Statistics));
            }
            if (round < 0) continue;                                     // compiles
            with.Add(all.DecodeTokensPerSecond);
            without.Add(alone.DecodeTokensPerSecond);
            ratios.Add(with[^1] / without[^1]);
            (drafted, accepted, tokens) = (drafted + all.DraftedTokens, accepted + all.AcceptedTokens, tokens + all.DecodeTokens);
        }
        var (speed, ratio) = (Measured.Of(with), Measured.Of(ratios));
        var passes = (double)tokens / (tokens - accepted);
        var right = drafted == 0 ? 0 : (double)accepted / drafted;
        return new BenchmarkRow($"{name} ({passes:0.00} tokens a pass, {right:P0} of {drafted} guesses right)", speed.Median, "tokens/s",
            $"without ({Measured.Of(without).Median:0})", ratio.Median, rounds, ratio.Spread);
    }

    private static GenerationStatistics Sum(GenerationStatistics a, GenerationStatistics b) =>
        new(0, 0, a.DecodeTokens + b.DecodeTokens, a.DecodeSeconds + b.DecodeSeconds)
        {
            DraftedTokens = a.DraftedTokens + b.DraftedTokens, AcceptedTokens = a.AcceptedTokens + b.AcceptedTokens,
        };

    /// <summary>The beginnings of some files, evenly chosen.</summary>
    private static List<int[]> TextsOf(IReadOnlyList<string> paths, string extension, Tokenizer tokenizer)
    {
        var files = paths.SelectMany(path => Directory.Exists(path)
                ? Directory.EnumerateFiles(path, "*" + extension, SearchOption.AllDirectories).Where(IsSource)
                : path.EndsWith(extension, StringComparison.OrdinalIgnoreCase) ? [path] : [])
            .Order(StringComparer.Ordinal).Select(File.ReadAllText).Where(text => text.Length > 4000).ToList();
        if (files.Count == 0)
        {
            throw new UserErrorException(
                $"{string.Join(", ", paths)} has no {extension} files of 4,000 characters: name others with --input.");
        }
        return [.. Enumerable.Range(0, Texts)
            .Select(i => tokenizer.Encode(files[i * files.Count / Texts]).Skip(100).Take(Piece).ToArray())];
    }

    private static bool IsSource(string path)
    {
        var parts = path.Split(Path.DirectorySeparatorChar);
        return !parts.Contains("obj") && !parts.Contains("bin");
    }
}
