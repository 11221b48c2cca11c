using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Dolmen.Benchmarks;

/// <summary>Encoding and decoding on one core beside Microsoft.ML.Tokenizers, which must give the same ids, and training, which it cannot
/// do, beside what we aim at: 32,768 tokens from 100 MB in a minute with two gigabytes.</summary>
internal sealed class TokenizerBenchmark : Benchmark
{
    private const string Rival = "Microsoft.ML.Tokenizers";
    private const int Rounds = 5;
    private const double WarmUpSeconds = 2;
    private const int VocabSize = 32_768;
    private const double AimedBytesPerSecond = 100e6 / 60;
    private const double AimedMegabytes = 2048;

    public override string Name => "tokenizer";

    public override string Description => "MB/s of encoding, decoding and training; --input FILE… measures on texts of yours";

    public override IEnumerable<BenchmarkRow> Run(IProgress<StageProgress> progress, CancellationToken stop) =>
        Run(new BenchmarkInputs([], null, []), progress, stop);

    public override IEnumerable<BenchmarkRow> Run(BenchmarkInputs inputs, IProgress<StageProgress> progress, CancellationToken stop)
    {
        if (inputs.Model is not null) throw new UserErrorException("--model is nothing to bench tokenizer: leave it out.");
        var texts = BenchmarkTexts.Of(inputs.Paths);
        string[] vocabularies = ["cl100k", "o200k"];
        var (done, all) = (0, vocabularies.Length * texts.Count * 2 + 1);
        foreach (var name in vocabularies)
        {
            var ours = VocabularySource.Open(name);
            var theirs = TiktokenTokenizer.CreateForEncoding(name + "_base");
            foreach (var text in texts)
            {
                stop.ThrowIfCancellationRequested();
                progress.Report(new StageProgress("bench tokenizer", done++, all, "cases", $"{name}, {text.Name}"));
                var ids = text.Documents.Select(document => ours.Encode(document)).ToArray();
                var same = ids.Zip(text.Documents).All(pair => pair.First.AsSpan().SequenceEqual([.. theirs.EncodeToIds(pair.Second)]));
                var note = same ? "" : ", other ids";
                var output = new List<int>();
                yield return Race($"encode {name}, {text.Name}{note}", text.Bytes, () =>
                {
                    foreach (var document in text.Documents)
                    {
                        output.Clear();
                        ours.Encode(document, output);
                    }
                }, () =>
                {
                    foreach (var document in text.Documents) theirs.EncodeToIds(document);
                });
                progress.Report(new StageProgress("bench tokenizer", done++, all, "cases", $"{name}, {text.Name}"));
                yield return Race($"decode {name}, {text.Name}", text.Bytes, () =>
                {
                    foreach (var tokens in ids) ours.Decode(tokens);
                }, () =>
                {
                    foreach (var tokens in ids) theirs.Decode(tokens);
                });
            }
        }
        progress.Report(new StageProgress("bench tokenizer", done, all, "cases", "training"));
        foreach (var row in Train(texts, stop)) yield return row;
    }

    private static BenchmarkRow Race(string name, long bytes, Action ours, Action theirs)
    {
        var start = Stopwatch.GetTimestamp();
        do
        {
            ours();
            theirs();
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);
        var (mine, rival) = (new double[Rounds], new double[Rounds]);
        for (var round = 0; round < Rounds; round++)
            (mine[round], rival[round]) = (bytes / 1e6 / Seconds(ours), bytes / 1e6 / Seconds(theirs));
        var (measured, other) = (Measured.Of(mine), Measured.Of(rival));
        return new(
            $"{name} ({bytes / 1e6:0.0} MB; {other.Median:0.#} MB/s)",
            measured.Median,
            "MB/s",
            Rival,
            measured.Median / other.Median,
            Rounds,
            measured.Spread
        );
    }

    private static IEnumerable<BenchmarkRow> Train(IReadOnlyList<BenchmarkText> texts, CancellationToken stop)
    {
        var documents = texts.SelectMany(text => text.Documents).Select(document => new TrainingText(document));
        var bytes = texts.Sum(text => text.Bytes);
        var recipe = new TokenizerRecipe(VocabSize);
        GC.Collect();
        var (most, running) = (0L, true);
        var watch = new Thread(() =>
        {
            while (Volatile.Read(ref running))
            {
                most = Math.Max(most, Environment.WorkingSet);
                Thread.Sleep(10);
            }
        }) { IsBackground = true };
        watch.Start();
        TrainedBpe? trained = null;
        var seconds = Seconds(() => trained = BpeTrainer.Train(documents, recipe, new Silent(), stop));
        Volatile.Write(ref running, false);
        watch.Join();
        var what = $"{trained!.Tokenizer.VocabSize:#,0} tokens from {bytes / 1e6:0.0} MB on {Environment.ProcessorCount} cores";
        yield return new($"train {what}", bytes / seconds, "bytes/s", "aim: 100 MB in 60 s", bytes / seconds / AimedBytesPerSecond, 1, 0);
        var megabytes = most / 1048576.0;
        yield return new($"the process's memory while it trains {what}", megabytes, "MB", "aim: 2048 MB", AimedMegabytes / megabytes, 1, 0);
    }

    private static double Seconds(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class Silent : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
        }
    }
}
