using System.Diagnostics;
using System.Security.Cryptography;

namespace Dolmen.PipelineTests;

/// <summary><c>kill -9</c> at a moment nobody chose, then the same command again: the same bits as without.</summary>
public sealed class KilledRun : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Killed_and_started_again_ends_with_the_same_weights()
    {
        var documents = Path.Combine(_folder, "library.xml");
        File.WriteAllText(documents, SmallLibrary.Documentation());
        var whole = CommandLine.Run(Arguments("whole", documents));
        Assert.True(whole.ExitCode == 0, whole.Errors);

        // Killed twice: as soon as the base model trains, and as soon as it is fine-tuned.
        foreach (var stage in new[] { "base", "sft" })
        {
            using var run = CommandLine.Start(Arguments("killed", documents));
            var reading = run.StandardError.ReadToEndAsync();
            var metrics = Path.Combine(_folder, "killed", stage, "metrics.jsonl");
            while (!run.HasExited && (!File.Exists(metrics) || new FileInfo(metrics).Length == 0)) Thread.Sleep(2);
            Assert.False(run.HasExited, $"the run ended before its {stage} stage could be killed");
            run.Kill();
            run.WaitForExit();
        }
        var resumed = CommandLine.Run(Arguments("killed", documents));
        Assert.True(resumed.ExitCode == 0, resumed.Errors);
        foreach (var stage in new[] { "base", "sft", "dpo" }) Assert.Equal(Weights("whole", stage), Weights("killed", stage));
        Assert.Equal(Hash("whole", "index", "documents.sqlite"), Hash("killed", "index", "documents.sqlite"));
    }

    private string[] Arguments(string name, string documents) =>
        [
            .. SmallLibrary.Quickstart(Path.Combine(_folder, name), documents),
            "--set",
            "base.totalTokens=204800",
            "--set",
            "sft.totalTokens=102400",
            "--set",
            "training.checkpointMinutes=0.001",
            "--set",
            "training.logEverySteps=1",
        ];

    private string Weights(string run, string stage) => Hash(run, stage, "model", "model.safetensors");

    private string Hash(params ReadOnlySpan<string> path) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine([_folder, .. path]))));
}
