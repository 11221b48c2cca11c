using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using Dolmen.Training.Optimizers;
using Dolmen.Training.PostTraining;
using Dolmen.Training.Pretraining;
using static TorchSharp.torch;

namespace Dolmen.Training;

/// <summary>Where a stage works and who it tells. A stage started again in the same directory goes on from its last checkpoint and ends
/// with the same bits.</summary>
public sealed record TrainingContext(
    string OutDirectory,
    ulong Seed,
    TrainingRecipe Training,
    IProgress<StageProgress> Progress,
    CancellationToken Stop
)
{
    /// <summary>Told before training begins what became of the examples; nobody when null.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>Null leaves the choice to the recipe and this machine.</summary>
    public Compute? Compute { get; init; }

    /// <summary>What the model is trained with: what the run began with if it goes on.</summary>
    internal Compute ComputeFor(ModelConfig model) => Compute ?? Compute.Of(RunArithmetic.Choose(model, this));
}

/// <param name="BitsPerByte">Of held-out text after the last step; null where the stage has none.</param>
public sealed record TrainingOutcome(
    long Tokens,
    int Steps,
    double Seconds,
    double TokensPerSecond,
    double Loss,
    double? BitsPerByte,
    long Parameters
)
{
    /// <summary>What became of the examples of its input.</summary>
    public DataCounts? Data { get; init; }
}

/// <summary>The three ways a model is trained on fixed data. Each leaves <c>model/</c> (a Hugging Face folder), <c>metrics.jsonl</c>,
/// TensorBoard events, <c>data.json</c> (what became of the examples) and <c>checkpoints/</c> in its directory.</summary>
public static class TrainingStages
{
    private const int WarmupSteps = 4;
    private const int MeasuredSteps = 7;

    /// <summary>Measured on this machine with this model: warm-up, then the median of several steps.</summary>
    public static double MeasureTokensPerSecond(ModelConfig model, TrainingRecipe training, int batchTokens)
    {
        Check(model, training, batchTokens);
        using var trained = new LanguageDecoder(ContinuesText(model), Compute.Choose(training.Precision, model));
        trained.Parameters.Initialize(1);
        using var optimizer = new AdamWRecipe(1e-4).Build(trained.Parameters);
        var rows = Math.Clamp(training.MicroBatchTokens / training.ContextLength, 1, batchTokens / training.ContextLength);
        var random = new StableRandom(1);
        var seconds = new List<double>();
        for (var step = 0; step < WarmupSteps + MeasuredSteps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            var batch = new Batch(rows, training.ContextLength);
            var tokens = new int[training.ContextLength + 1];
            for (var row = 0; row < rows; row++)
            {
                foreach (ref var token in tokens.AsSpan()) token = random.Next(model.VocabSize);
                batch.SetRow(row, tokens, [], 0);
            }
            using var scope = NewDisposeScope();
            batch.Backward(trained, 1.0 / (rows * training.ContextLength), first: true);
            optimizer.Step(step + 1, share: 1, gradientScale: 1);
            if (step >= WarmupSteps) seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        return rows * training.ContextLength / seconds[seconds.Count / 2];
    }

    /// <param name="tokensDirectory">Holds <c>train.bin</c> and <c>val.bin</c> (token shards).</param>
    /// <exception cref="OperationCanceledException">Stopped; a checkpoint was written.</exception>
    /// <exception cref="UserErrorException">Sizes that cannot work, or a directory that holds a different run.</exception>
    public static TrainingOutcome Pretrain(
        ModelConfig model,
        PretrainRecipe recipe,
        string tokensDirectory,
        string tokenizerDirectory,
        TrainingContext context
    )
    {
        Check(model, context.Training, recipe.BatchTokens);
        var tokenizer = TokenizerFolder.Load(tokenizerDirectory);
        if (model.VocabSize != tokenizer.VocabSize)
            throw new UserErrorException(
                $"model.vocabSize is {model.VocabSize} but the tokenizer in {tokenizerDirectory} has {tokenizer.VocabSize}: they must be "
                    + $"equal."
            );
        var decoder = ContinuesText(model);
        using var task = new NextTokenTask(tokensDirectory, tokenizer, recipe, context.Training, context.Seed);
        using var trained = new LanguageDecoder(decoder, context.ComputeFor(model));
        trained.Parameters.Initialize(context.Seed);
        var data = StableHash.Sha256OfFile(Path.Combine(tokensDirectory, "train.bin"));
        return Run(
            trained,
            task,
            recipe.Optimizer,
            recipe.Schedule,
            JsonSerializer.Serialize(recipe, StageJson.Default.PretrainRecipe),
            data,
            tokenizerDirectory,
            context
        );
    }

    /// <param name="pairs">As <see cref="PairFiles"/> reads them.</param>
    /// <inheritdoc cref="Pretrain"/>
    public static TrainingOutcome PretrainPairs(
        ModelConfig model,
        PretrainRecipe recipe,
        string pairs,
        string tokenizerDirectory,
        TrainingContext context
    )
    {
        Check(model, context.Training, recipe.BatchTokens);
        var tokenizer = TokenizerFolder.Load(tokenizerDirectory);
        if (model.VocabSize != tokenizer.VocabSize)
            throw new UserErrorException(
                $"model.vocabSize is {model.VocabSize} but the tokenizer in {tokenizerDirectory} has {tokenizer.VocabSize}: they must be "
                    + $"equal."
            );
        if (model is not (Seq2SeqConfig or EncoderDecoderConfig))
            throw new UserErrorException(
                $"A {model.GetType().Name} continues one text; pairs train an encoder–decoder. Set model.architecture to seq2seq or "
                    + $"encoder-decoder."
            );
        using var task = new PairTask(pairs, tokenizer, recipe, context.Training, context.Seed);
        using var trained = (SequencePairModel)TrainableModel.Build(model, context.ComputeFor(model));
        trained.Parameters.Initialize(context.Seed);
        return Run(
            trained,
            task,
            recipe.Optimizer,
            recipe.Schedule,
            JsonSerializer.Serialize(recipe, StageJson.Default.PretrainRecipe),
            PairFiles.Hash(pairs),
            tokenizerDirectory,
            context
        );
    }

    /// <param name="conversationsFile">As <see cref="ConversationFiles"/> reads them.</param>
    /// <inheritdoc cref="Pretrain"/>
    public static TrainingOutcome Sft(SftRecipe recipe, string modelDirectory, string conversationsFile, TrainingContext context)
    {
        using var trained = LoadModel(modelDirectory, context, recipe.BatchTokens);
        using var task = new SftTask(conversationsFile, TokenizerFolder.Load(modelDirectory), recipe, context.Training, context.Seed);
        var data = DataHash(modelDirectory, conversationsFile);
        return Run(
            trained,
            task,
            recipe.Optimizer,
            recipe.Schedule,
            JsonSerializer.Serialize(recipe, StageJson.Default.SftRecipe),
            data,
            modelDirectory,
            context
        );
    }

    /// <param name="preferencesFile">As <see cref="PreferenceFiles"/> reads them.</param>
    /// <inheritdoc cref="Pretrain"/>
    public static TrainingOutcome Dpo(DpoRecipe recipe, string modelDirectory, string preferencesFile, TrainingContext context)
    {
        using var trained = LoadModel(modelDirectory, context, context.Training.ContextLength);
        using var task = new DpoTask(preferencesFile, TokenizerFolder.Load(modelDirectory), recipe, context.Training, context.Seed);
        var data = DataHash(modelDirectory, preferencesFile);
        return Run(
            trained,
            task,
            recipe.Optimizer,
            recipe.Schedule,
            JsonSerializer.Serialize(recipe, StageJson.Default.DpoRecipe),
            data,
            modelDirectory,
            context
        );
    }

    private static TrainingOutcome Run<TModel>(
        TModel model,
        TrainingTask<TModel> task,
        OptimizerRecipe optimizer,
        ScheduleRecipe schedule,
        string recipe,
        string data,
        string tokenizerDirectory,
        TrainingContext context
    )
        where TModel : TrainableModel
    {
        // What does not touch the bits (how often to log or to save) may change between a run and its continuation.
        var identity = StableHash.Sha256(
            string.Join(
                '\n',
                task.Stage,
                recipe,
                data,
                context.Seed,
                model.Config,
                context.Training.ContextLength,
                context.Training.MicroBatchTokens,
                context.Training.LongRows,
                context.Training.DocumentMasking,
                context.Training.AverageDecay,
                model.Parameters.Compute.Arithmetic
            )
        );
        context.Notice?.Invoke($"{task.Stage}: {task.Data}");
        var outcome = new Trainer<TModel>(model, task, optimizer, schedule, identity, context).Run() with { Data = task.Data };
        task.Data.Write(context.OutDirectory);
        var special = TokenizerFolder.Load(tokenizerDirectory).Special;
        HuggingFaceFolder.Save(Path.Combine(context.OutDirectory, "model"), model.Config,
            model.Export().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, tensor.Values)),
            new ModelCard(
                $"Dolmen {task.Stage} model",
                $"{outcome.Parameters:N0} parameters after {outcome.Tokens:N0} tokens of {task.Stage}."
            ),
            HuggingFaceFolder.KeepSpecialTokenIds(
                tokenizerDirectory,
                new SpecialTokenIds(Id(special.Bos), Id(special.Eos), Id(special.Pad), Id(special.End))
            ),
            TokenizerFolder.Files.Select(file => Path.Combine(tokenizerDirectory, file))
        );
        return outcome;

        static int? Id(int id) => id < 0 ? null : id;
    }

    private static LanguageDecoder LoadModel(string directory, TrainingContext context, int batchTokens)
    {
        var config = LanguageDecoder.Require(HuggingFaceFolder.LoadConfig(directory), directory);
        Check(config, context.Training, batchTokens);
        return LanguageDecoder.Load(directory, context.ComputeFor(config));
    }

    private static DecoderConfig ContinuesText(ModelConfig model) =>
        model as DecoderConfig
        ?? throw new UserErrorException(
            $"A {model.GetType().Name} writes a target for a source, and a corpus of texts has no sources. Choose a decoder as "
                + "model.architecture, or train on pairs with 'dolmen model pretrain --pairs'."
        );

    private static string DataHash(string modelDirectory, string file) =>
        string.Concat(
            Directory.EnumerateFiles(modelDirectory, "*.safetensors").Order(StringComparer.Ordinal).Select(StableHash.Sha256OfFile)
        ) + StableHash.Sha256OfFile(file);

    private static void Check(ModelConfig model, TrainingRecipe training, int batchTokens)
    {
        var problems = model.Problems().ToList();
        if (training.ContextLength > model.ContextLength)
            problems.Add(
                $"training.contextLength is {training.ContextLength} but the model's is {model.ContextLength}: it cannot be longer. Try "
                    + $"{model.ContextLength}."
            );
        if (training.ContextLength < 2)
            problems.Add($"training.contextLength is {training.ContextLength}: it must be at least 2.");
        else if (batchTokens < training.ContextLength || batchTokens % training.ContextLength != 0)
        {
            problems.Add($"batchTokens is {batchTokens} but training.contextLength is {training.ContextLength}: a batch is whole rows. " +
                $"Try batchTokens {Math.Max(1, batchTokens / training.ContextLength) * training.ContextLength}.");
        }
        if (problems.Count > 0) throw new UserErrorException(string.Join('\n', problems));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PretrainRecipe))]
[JsonSerializable(typeof(SftRecipe))]
[JsonSerializable(typeof(DpoRecipe))]
internal sealed partial class StageJson : JsonSerializerContext;
