using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Tokenization;
using Dolmen.Training;
using Dolmen.Training.Optimizers;

namespace Dolmen.Tests.Training;

/// <summary>A tokenizer, shards, chats and a model small enough to train in a second, in a folder of their own.</summary>
internal sealed class TinyRun : IDisposable
{
    private static readonly string[] Nouns = ["stream", "buffer", "list", "token", "string", "thread", "lock", "file"];
    private static readonly string[] Verbs = ["Reads", "Writes", "Clears", "Opens", "Closes", "Copies"];

    public TinyRun()
    {
        Root = Directory.CreateTempSubdirectory("dolmen-test-").FullName;
        var documents = (
            from verb in Verbs
            from noun in Nouns
            from other in Nouns
            select $"## {verb}({noun})\n{verb} the {noun} after the {other}.\n"
        ).ToList();
        var tokenizer = BpeTrainer.Train(documents, new TokenizerRecipe(320), new Progress<StageProgress>(), CancellationToken.None);
        TokenizerFolder.Save(tokenizer, TokenizerDirectory);
        Directory.CreateDirectory(TokensDirectory);
        foreach (var (file, part) in new[] { ("train.bin", documents), ("val.bin", documents.Take(40).ToList()) })
        {
            TokenShardWriter.Write(Path.Combine(TokensDirectory, file), tokenizer.VocabSize, writer =>
            {
                foreach (var document in part) writer.Append([tokenizer.Special.Bos, .. tokenizer.Encode(document), tokenizer.Special.Eos]);
            });
        }
        Model = new TransformerConfig(tokenizer.VocabSize, 32, 2, 2, 1, 16, 64, 32);
        Tokenizer = tokenizer;
        File.WriteAllLines(
            Conversations,
            documents
                .Take(60)
                .Select(
                    (text, i) =>
                        $$"""{"messages":[{"role":"user","content":"What does member {{i}} do?"},{"role":"assistant","content":"{{text.Split('\n')[1]}}"}]}"""
                )
        );
        File.WriteAllLines(
            Preferences,
            Nouns.Select(noun => $$"""{"prompt":"What is a {{noun}}?","chosen":"A {{noun}}.","rejected":"I cannot say."}""")
        );
    }

    public string Root { get; }
    public BpeTokenizer Tokenizer { get; }
    public TransformerConfig Model { get; }
    public string TokenizerDirectory => Path.Combine(Root, "tokenizer");
    public string TokensDirectory => Path.Combine(Root, "tokens");
    public string Conversations => Path.Combine(Root, "conversations.jsonl");
    public string Preferences => Path.Combine(Root, "preferences.jsonl");

    public static TrainingRecipe Recipe =>
        new(
            ContextLength: 32,
            Precision: ComputePath.HasNativeBFloat16 ? Precision.BFloat16 : Precision.Float32Packed,
            MicroBatchTokens: 64,
            CheckpointMinutes: 0,
            LogEverySteps: 1,
            Validations: 2,
            SampleTokens: 4
        );

    public static PretrainRecipe Pretraining(int steps, double learningRate = 3e-3) =>
        new(new AdamWRecipe(learningRate), new ScheduleRecipe(), BatchTokens: 128, TotalTokens: 128L * steps);

    public TrainingContext Context(
        string name,
        TrainingRecipe? training = null,
        IProgress<StageProgress>? progress = null,
        Compute? compute = null,
        CancellationToken stop = default
    ) =>
        new(
            Path.Combine(Root, name),
            11,
            training ?? Recipe,
            progress ?? new Progress<StageProgress>(),
            stop
        )
        {
            Compute = compute,
        };

    public TrainingOutcome Pretrain(
        string name,
        int steps,
        IProgress<StageProgress>? progress = null,
        TrainingRecipe? training = null,
        Compute? compute = null,
        CancellationToken stop = default
    ) =>
        TrainingStages.Pretrain(
            Model,
            Pretraining(steps),
            TokensDirectory,
            TokenizerDirectory,
            Context(name, training, progress, compute, stop)
        );

    public byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(Root, name, "model", "model.safetensors"));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>Calls back on the caller's thread: what a test wants to happen at an exact step.</summary>
internal sealed class SynchronousProgress(Action<StageProgress> report) : IProgress<StageProgress>
{
    public void Report(StageProgress value) => report(value);
}
