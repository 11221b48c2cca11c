using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Modeling;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_model_learns_its_corpus()
    {
        var outcome = _run.Pretrain("base", 120);
        var lines = File.ReadLines(Path.Combine(_run.Root, "base", "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
        var losses = lines.Where(line => line.TryGetProperty("loss", out _)).Select(line => line.GetProperty("loss").GetDouble()).ToList();
        Assert.Equal(120, losses.Count);
        Assert.InRange(losses[0], Math.Log(_run.Model.VocabSize) - 0.3, Math.Log(_run.Model.VocabSize) + 0.3);
        Assert.True(losses[^1] < losses[0] / 2, $"first loss {losses[0]:0.000}, last {losses[^1]:0.000}");
        Assert.NotNull(outcome.BitsPerByte);
        Assert.Equal(120 * 128, outcome.Tokens);
        // The recipe says auto; what was measured is kept with the run and told to the manifest.
        using var kept = JsonDocument.Parse(File.ReadAllText(Path.Combine(_run.Root, "base", "arithmetic.json")));
        Assert.NotEqual(Precision.Auto, outcome.Arithmetic);
        Assert.Equal(outcome.Arithmetic.ToString(), kept.RootElement.GetProperty("precision").GetString());
        Assert.Single(Directory.EnumerateFiles(Path.Combine(_run.Root, "base"), "events.out.tfevents.*"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(19)]
    public void Stopped_and_continued_gives_the_same_bits(int stopAt)
    {
        _run.Pretrain("whole", 20);
        using var stop = new CancellationTokenSource();
        var progress = new SynchronousProgress(report => { if (report.Done >= stopAt * 128) stop.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() => _run.Pretrain("parts", 20, progress, stop: stop.Token));
        Assert.False(Directory.Exists(Path.Combine(_run.Root, "parts", "model")));
        _run.Pretrain("parts", 20);
        Assert.Equal(_run.Weights("whole"), _run.Weights("parts"));
        Assert.Equal(Enumerable.Range(1, 20), StepsLogged("parts"));
    }

    [Fact]
    public void Stopped_before_its_first_step_it_begins_anew()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => _run.Pretrain("early", 20, stop: stop.Token));
        Assert.Equal(_run.Pretrain("whole", 20).Loss, _run.Pretrain("early", 20).Loss);
    }

    /// <summary>Weights, sums, moments, averages and checkpoints by libtorch's operations alone, stopped and continued.</summary>
    [Fact]
    public void Libtorch_operations_train_as_our_kernels_do_and_resume_to_the_same_bits()
    {
        var training = TinyRun.Recipe with { Precision = Precision.Float32, AverageDecay = 0.9 };
        var kernels = _run.Pretrain("kernels", 12, training: training);
        var whole = _run.Pretrain("whole", 12, training: training, compute: Compute.Torch());
        Assert.Equal(kernels.Loss, whole.Loss, 1e-4);
        Assert.Equal(kernels.BitsPerByte!.Value, whole.BitsPerByte!.Value, 1e-4);
        using var stop = new CancellationTokenSource();
        var progress = new SynchronousProgress(report => { if (report.Done >= 5 * 128) stop.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() =>
            _run.Pretrain("parts", 12, progress, training, Compute.Torch(), stop.Token));
        _run.Pretrain("parts", 12, training: training, compute: Compute.Torch());
        Assert.Equal(_run.Weights("whole"), _run.Weights("parts"));
    }

    [Fact]
    public void A_crash_between_checkpoints_gives_the_same_bits()
    {
        var rare = TinyRun.Recipe with { CheckpointMinutes = 1000 };
        _run.Pretrain("whole", 20, training: rare);
        // Dies without a word at step 13; the last checkpoint is of step 8.
        using var stop = new CancellationTokenSource();
        var pause = new SynchronousProgress(report => { if (report.Done >= 8 * 128) stop.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() => _run.Pretrain("killed", 20, pause, rare, stop: stop.Token));
        var crash = new SynchronousProgress(report => { if (report.Done >= 13 * 128) throw new TimeoutException(); });
        Assert.Throws<TimeoutException>(() => _run.Pretrain("killed", 20, crash, rare));
        _run.Pretrain("killed", 20, training: rare);
        Assert.Equal(_run.Weights("whole"), _run.Weights("killed"));
        Assert.Equal(Enumerable.Range(1, 20), StepsLogged("killed"));
    }

    [Fact]
    public void Only_the_last_checkpoints_are_kept()
    {
        _run.Pretrain("base", 6);
        Assert.Equal(
            ["step-000005", "step-000006"],
            Directory.EnumerateDirectories(Path.Combine(_run.Root, "base", "checkpoints")).Select(Path.GetFileName).Order()
        );
    }

    [Fact]
    public void Another_recipe_in_the_same_folder_is_refused()
    {
        _run.Pretrain("base", 4);
        var error = Assert.Throws<UserErrorException>(() => _run.Pretrain("base", 5));
        Assert.Contains("different run", error.Message, StringComparison.Ordinal);
        Assert.Contains("--out", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_with_the_step_and_keeps_the_checkpoint()
    {
        var error = Assert.Throws<InvalidOperationException>(() =>
            TrainingStages.Pretrain(
                _run.Model,
                TinyRun.Pretraining(60, learningRate: 1e30),
                _run.TokensDirectory,
                _run.TokenizerDirectory,
                _run.Context("wild")
            )
        );
        Assert.Contains("diverged at step", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.EnumerateDirectories(Path.Combine(_run.Root, "wild", "checkpoints"), "step-*"));
    }

    [Fact]
    public void Sizes_that_cannot_work_are_all_named()
    {
        var model = _run.Model with { Heads = 5, HeadDim = 15, ContextLength = 16 };
        var error = Assert.Throws<UserErrorException>(() =>
            TrainingStages.Pretrain(
                model,
                TinyRun.Pretraining(4) with
                {
                    BatchTokens = 100,
                },
                _run.TokensDirectory,
                _run.TokenizerDirectory,
                _run.Context("base")
            )
        );
        Assert.Contains("model.heads is 5 but dModel is 32", error.Message, StringComparison.Ordinal);
        Assert.Contains("model.headDim is 15", error.Message, StringComparison.Ordinal);
        Assert.Contains("training.contextLength is 32 but the model's is 16", error.Message, StringComparison.Ordinal);
        Assert.Contains("batchTokens is 100", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Llama 3, Qwen and Gemma list several ends: what is made from such a model lists them too.</summary>
    [Fact]
    public void Fine_tuning_and_preferences_keep_where_a_model_ends_and_how_it_is_sampled()
    {
        _run.Pretrain("base", 1);
        var model = Path.Combine(_run.Root, "base", "model");
        const string generation = """{"eos_token_id": [5, 6, 7], "temperature": 0.6, "unheard_of": 1}""";
        File.WriteAllText(Path.Combine(model, "generation_config.json"), generation);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(model, "config.json")))!;
        config["eos_token_id"] = new JsonArray(6, 5);
        File.WriteAllText(Path.Combine(model, "config.json"), config.ToJsonString());
        var recipe = new SftRecipe(new AdamWRecipe(1e-3), new ScheduleRecipe(), BatchTokens: 128, TotalTokens: 128);
        TrainingStages.Sft(recipe, model, _run.Conversations, _run.Context("sft"));
        var preferences = new DpoRecipe(new AdamWRecipe(1e-3), new ScheduleRecipe(), Beta: 0.1, BatchPairs: 8, TotalPairs: 8);
        TrainingStages.Dpo(preferences, Path.Combine(_run.Root, "sft", "model"), _run.Preferences, _run.Context("dpo"));
        var output = Path.Combine(_run.Root, "dpo", "model");
        Assert.Equal(generation, File.ReadAllText(Path.Combine(output, "generation_config.json")));
        Assert.Equal("[6,5]", JsonNode.Parse(File.ReadAllText(Path.Combine(output, "config.json")))!["eos_token_id"]!.ToJsonString());
    }

    [Fact]
    public void Fine_tuning_and_preferences_follow_and_repeat_bit_for_bit()
    {
        _run.Pretrain("base", 30);
        var recipe = new SftRecipe(new AdamWRecipe(1e-3), new ScheduleRecipe(), BatchTokens: 128, TotalTokens: 128 * 20);
        var preferences = new DpoRecipe(new AdamWRecipe(1e-3), new ScheduleRecipe(), Beta: 0.1, BatchPairs: 8, TotalPairs: 8 * 20);
        foreach (var name in new[] { "first", "second" })
        {
            TrainingStages.Sft(recipe, Path.Combine(_run.Root, "base", "model"), _run.Conversations, _run.Context($"sft-{name}"));
            TrainingStages.Dpo(preferences, Path.Combine(_run.Root, $"sft-{name}", "model"), _run.Preferences, _run.Context($"dpo-{name}"));
        }
        Assert.Equal(_run.Weights("dpo-first"), _run.Weights("dpo-second"));
        var lines = File.ReadLines(Path.Combine(_run.Root, "dpo-first", "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
        Assert.Equal(Math.Log(2), lines[0].GetProperty("loss").GetDouble(), 1e-6);
        Assert.Equal(0, lines[0].GetProperty("rewards/margins").GetDouble(), 1e-6);
        Assert.True(lines[^1].GetProperty("rewards/margins").GetDouble() > 0.1);
        Assert.Equal(1, lines[^1].GetProperty("rewards/accuracies").GetDouble(), 1e-6);
    }

    private IEnumerable<int> StepsLogged(string name) =>
        File.ReadLines(Path.Combine(_run.Root, name, "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("loss", out _))
            .Select(line => line.GetProperty("step").GetInt32());
}
