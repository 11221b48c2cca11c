using System.IO.Compression;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Tokenization;
using Dolmen.Training;
using Dolmen.Training.Pretraining;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Training;

public sealed class PairTraining : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dolmen-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Files_of_equal_lines_and_json_lines_give_the_same_pairs()
    {
        var (sources, targets, json) = (Path.Combine(_root, "a.en.gz"), Path.Combine(_root, "a.de"), Path.Combine(_root, "a.jsonl"));
        using (var writer = new StreamWriter(new GZipStream(File.Create(sources), CompressionLevel.Fastest)))
            writer.Write("a dog\nÄ cat\n");
        File.WriteAllText(targets, "ein Hund\neine Katze\n");
        File.WriteAllText(
            json,
            """{"source":"a dog","target":"ein Hund"}""" + "\n" + """{"source":"Ä cat","target":"eine Katze"}""" + "\n"
        );
        Assert.Equal(PairFiles.Read(json), PairFiles.Read($"{sources},{targets}"));
    }

    [Fact]
    public void Bad_pairs_say_where_and_what()
    {
        var (one, two, json) = (Path.Combine(_root, "one"), Path.Combine(_root, "two"), Path.Combine(_root, "bad.jsonl"));
        File.WriteAllText(one, "a\nb\n");
        File.WriteAllText(two, "a\n");
        File.WriteAllText(json, """{"source":"a","target":"b"}""" + "\n" + """{"source":"a"}""" + "\n");
        Assert.Contains(
            "has 2 lines",
            Assert.Throws<UserErrorException>(() => PairFiles.Read($"{one},{two}")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("line 2", Assert.Throws<UserErrorException>(() => PairFiles.Read(json)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "does not exist",
            Assert.Throws<UserErrorException>(() => PairFiles.Read(Path.Combine(_root, "none"))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "reverse:COUNT:SEED",
            Assert.Throws<UserErrorException>(() => PairFiles.Read("reverse:many")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Invented_strings_are_10_to_20_letters_and_their_reverse()
    {
        var pairs = PairFiles.Read("reverse:300:5");
        Assert.Equal(300, pairs.Count);
        Assert.All(pairs, pair => Assert.Equal(pair.Source, new string([.. pair.Target.Reverse()])));
        Assert.Equal(Enumerable.Range(10, 11), pairs.Select(pair => pair.Source.Length).Distinct().Order());
        Assert.NotEqual(pairs, PairFiles.Read("reverse:300:6"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_that_was_stopped_ends_with_the_same_bits(bool recurrent)
    {
        Whole("whole", recurrent, CancellationToken.None, null);
        using var stop = new CancellationTokenSource();
        var progress = new SynchronousProgress(report =>
        {
            if (report.Detail?.Contains("step 7/", StringComparison.Ordinal) == true)
                stop.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Whole("parts", recurrent, stop.Token, progress));
        Whole("parts", recurrent, CancellationToken.None, null);
        Assert.Equal(Weights("whole"), Weights("parts"));
    }

    [Fact]
    public void Learning_lowers_the_loss_of_what_was_held_out()
    {
        var few = Whole("few", recurrent: true, CancellationToken.None, null, tokens: 4_000);
        var many = Whole("many", recurrent: true, CancellationToken.None, null, tokens: 60_000);
        Assert.True(many.BitsPerByte < 0.8 * few.BitsPerByte, $"{few.BitsPerByte} bits per byte, then {many.BitsPerByte}");
    }

    private TrainingOutcome Whole(
        string name,
        bool recurrent,
        CancellationToken stop,
        IProgress<StageProgress>? progress,
        long tokens = 6_000
    )
    {
        var tokenizer = Path.Combine(_root, "tokenizer");
        if (!Directory.Exists(tokenizer))
        {
            var texts = PairFiles.Read("reverse:400:1").Select(pair => pair.Source);
            TokenizerFolder.Save(
                BpeTrainer.Train(texts, new TokenizerRecipe(263), new Progress<StageProgress>(), CancellationToken.None),
                tokenizer
            );
        }
        ModelConfig model = recurrent
            ? new Seq2SeqConfig(263, 32, 32, 16, 1, 32, Dropout: 0.1)
            : new EncoderDecoderConfig(263, 32, 1, 1, 2, 48, 32, Dropout: 0.1);
        // Measuring the arithmetic would switch the library of libtorch's products under the tests that run beside this one.
        var training = new TrainingRecipe(ContextLength: 32, Precision: Precision.Float32, MicroBatchTokens: 256, CheckpointMinutes: 0,
            LogEverySteps: 1, Validations: 1);
        var recipe = new PretrainRecipe(new AdamWRecipe(1e-2), new ScheduleRecipe(), BatchTokens: 512, TotalTokens: tokens);
        return TrainingStages.PretrainPairs(model, recipe, "reverse:400:1", tokenizer,
            new TrainingContext(Path.Combine(_root, name), 3, training, progress ?? new Progress<StageProgress>(), stop));
    }

    private byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(_root, name, "model", "model.safetensors"));
}
