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

namespace Dolmen.Training;

/// <summary>The three ways a model is trained on fixed data. Each leaves <c>model/</c> (a Hugging Face folder), <c>metrics.jsonl</c>,
/// TensorBoard events, <c>data.json</c> (what became of the examples) and <c>checkpoints/</c> in its directory.</summary>
public static class TrainingStages
{
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
        CheckRows(model, context.Training, recipe);
        context = context with { Training = recipe.Training(context.Training) };
        var tokenizer = LoadTokenizer(tokenizerDirectory, model);
        var decoder = ContinuesText(model);
        using var task = new NextTokenTask(tokensDirectory, tokenizer, recipe, context.Training, context.Seed);
        using var trained = new LanguageDecoder(decoder, context.ComputeFor(model));
        trained.Parameters.Initialize(context.Seed);
        var data = StableHash.Sha256OfFile(Path.Combine(tokensDirectory, "train.bin"));
        return Run(trained, task, LearningPlan.Of(recipe), data, tokenizerDirectory, context);
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
        CheckRows(model, context.Training, recipe);
        context = context with { Training = recipe.Training(context.Training) };
        var tokenizer = LoadTokenizer(tokenizerDirectory, model);
        if (model is not (Seq2SeqConfig or EncoderDecoderConfig))
            throw new UserErrorException(
                $"A {model.GetType().Name} continues one text; pairs train an encoder–decoder. Set model.architecture to seq2seq or "
                    + $"encoder-decoder."
            );
        using var task = new PairTask(pairs, tokenizer, recipe, context.Training, context.Seed);
        using var trained = (SequencePairModel)TrainableModel.Build(model, context.ComputeFor(model));
        trained.Parameters.Initialize(context.Seed);
        return Run(trained, task, LearningPlan.Of(recipe), PairFiles.Hash(pairs), tokenizerDirectory, context);
    }

    /// <param name="conversationsFile">As <see cref="ConversationFiles"/> reads them.</param>
    /// <inheritdoc cref="Pretrain"/>
    public static TrainingOutcome Sft(SftRecipe recipe, string modelDirectory, string conversationsFile, TrainingContext context)
    {
        using var trained = LoadModel(modelDirectory, context, recipe.BatchTokens);
        using var task = new SftTask(conversationsFile, TokenizerFolder.Load(modelDirectory), recipe, context.Training, context.Seed);
        var data = DataHash(modelDirectory, conversationsFile);
        return Run(trained, task, LearningPlan.Of(recipe), data, modelDirectory, context);
    }

    /// <param name="preferencesFile">As <see cref="PreferenceFiles"/> reads them.</param>
    /// <inheritdoc cref="Pretrain"/>
    public static TrainingOutcome Dpo(DpoRecipe recipe, string modelDirectory, string preferencesFile, TrainingContext context)
    {
        using var trained = LoadModel(modelDirectory, context, context.Training.ContextLength);
        using var task = new DpoTask(preferencesFile, TokenizerFolder.Load(modelDirectory), recipe, context.Training, context.Seed);
        var data = DataHash(modelDirectory, preferencesFile);
        return Run(trained, task, LearningPlan.Of(recipe), data, modelDirectory, context);
    }

    private static TrainingOutcome Run<TModel>(
        TModel model,
        TrainingTask<TModel> task,
        LearningPlan plan,
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
                plan.Recipe,
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
        var outcome = new Trainer<TModel>(model, task, plan.Optimizer, plan.Schedule, identity, context).Run();
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

    private static Tokenizer LoadTokenizer(string directory, ModelConfig model)
    {
        var tokenizer = TokenizerFolder.Load(directory);
        return tokenizer.VocabSize == model.VocabSize
            ? tokenizer
            : throw new UserErrorException(
                $"model.vocabSize is {model.VocabSize} but the tokenizer in {directory} has {tokenizer.VocabSize}: they must be equal."
            );
    }

    private static LanguageDecoder LoadModel(string directory, TrainingContext context, int batchTokens)
    {
        var config = LanguageDecoder.Require(HuggingFaceFolder.LoadConfig(directory), directory);
        Check(config, context.Training, batchTokens);
        return LanguageDecoder.Load(directory, context.ComputeFor(config));
    }

    internal static DecoderConfig ContinuesText(ModelConfig model) =>
        model as DecoderConfig
        ?? throw new UserErrorException(
            $"A {model.GetType().Name} writes a target for a source, and a corpus of texts has no sources. Choose a decoder as "
                + "model.architecture, or train on pairs with 'dolmen model pretrain --pairs'."
        );

    private static string DataHash(string modelDirectory, string file) =>
        string.Concat(
            Directory.EnumerateFiles(modelDirectory, "*.safetensors").Order(StringComparer.Ordinal).Select(StableHash.Sha256OfFile)
        ) + StableHash.Sha256OfFile(file);

    /// <summary>Those of pretraining, which may have a length of their own.</summary>
    internal static void CheckRows(ModelConfig model, TrainingRecipe training, PretrainRecipe recipe)
    {
        if (recipe.ContextLength > training.ContextLength)
            throw new UserErrorException(
                $"base.contextLength is {recipe.ContextLength} but training.contextLength is {training.ContextLength}: it cannot be "
                    + $"longer. Try 0, which takes {training.ContextLength}."
            );
        Check(model, recipe.Training(training), recipe.BatchTokens, recipe.ContextLength > 0 ? "base" : "training");
    }

    /// <param name="part">Of the recipe, that says how long rows are.</param>
    internal static void Check(ModelConfig model, TrainingRecipe training, int batchTokens, string part = "training")
    {
        var problems = model.Problems().ToList();
        if (training.ContextLength > model.ContextLength)
            problems.Add(
                $"{part}.contextLength is {training.ContextLength} but the model's is {model.ContextLength}: it cannot be longer. Try "
                    + $"{model.ContextLength}."
            );
        if (training.ContextLength < 2)
            problems.Add($"{part}.contextLength is {training.ContextLength}: it must be at least 2.");
        else if (batchTokens < training.ContextLength || batchTokens % training.ContextLength != 0)
        {
            problems.Add($"batchTokens is {batchTokens} but {part}.contextLength is {training.ContextLength}: a batch is whole rows. " +
                $"Try batchTokens {Math.Max(1, batchTokens / training.ContextLength) * training.ContextLength}.");
        }
        if (problems.Count > 0) throw new UserErrorException(string.Join('\n', problems));
    }
}

/// <summary>What the recipes of the stages share.</summary>
/// <param name="Recipe">All of the stage's recipe, as JSON: part of what decides the bits.</param>
internal sealed record LearningPlan(OptimizerRecipe Optimizer, ScheduleRecipe Schedule, string Recipe)
{
    public static LearningPlan Of(PretrainRecipe recipe) =>
        new(recipe.Optimizer, recipe.Schedule, JsonSerializer.Serialize(recipe, StageJson.Default.PretrainRecipe));

    public static LearningPlan Of(SftRecipe recipe) =>
        new(recipe.Optimizer, recipe.Schedule, JsonSerializer.Serialize(recipe, StageJson.Default.SftRecipe));

    public static LearningPlan Of(DpoRecipe recipe) =>
        new(recipe.Optimizer, recipe.Schedule, JsonSerializer.Serialize(recipe, StageJson.Default.DpoRecipe));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PretrainRecipe))]
[JsonSerializable(typeof(SftRecipe))]
[JsonSerializable(typeof(DpoRecipe))]
internal sealed partial class StageJson : JsonSerializerContext;
