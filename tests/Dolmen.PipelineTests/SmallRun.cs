using System.Security.Cryptography;
using System.Text.Json;

namespace Dolmen.PipelineTests;

/// <summary>The whole way in small: a made-up library's documentation, a model of a few thousand parameters, a handful of steps.</summary>
public sealed class SmallRun : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Documents_become_an_aligned_evaluated_model_and_the_run_can_be_repeated()
    {
        var documents = Path.Combine(_folder, "library.xml");
        File.WriteAllText(documents, SmallLibrary.Documentation());
        var first = Run("first", "--input", documents);
        Assert.True(first.ExitCode == 0, first.Errors);

        using var result = JsonDocument.Parse(first.Output);
        foreach (var model in new[] { "base", "sft", "dpo" })
        {
            var metrics = result.RootElement.GetProperty("evaluation").GetProperty(model);
            Assert.InRange(metrics.GetProperty("bitsPerByte").GetDouble(), 0.1, 8);
            Assert.InRange(metrics.GetProperty("acc_norm").GetDouble(), 0, 1);
        }
        Assert.True(result.RootElement.GetProperty("peakMemoryBytes").GetInt64() > 0);
        foreach (
            var file in new[]
            {
                "report.html",
                "model/README.md",
                "model/config.json",
                "model/tokenizer.json",
                "recipe.resolved.jsonc",
                "manifest.json",
            }
        )
            Assert.True(File.Exists(Path.Combine(_folder, "first", file)), file);

        var shown = CommandLine.Run("runs", "show", Path.Combine(_folder, "first", "model"), "--json");
        Assert.True(shown.ExitCode == 0, shown.Errors);
        using var lineage = JsonDocument.Parse(shown.Output);
        var steps = lineage.RootElement.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("name").GetString()).ToList();
        Assert.Equal(["base", "corpus", "dpo", "evaluation", "index", "model", "sft", "tokenizer", "tokens"], steps.Order());
        Assert.All(lineage.RootElement.GetProperty("ends").EnumerateArray(), end =>
            Assert.StartsWith("library.xml ", end.GetProperty("says").GetString(), StringComparison.Ordinal));
        var listed = CommandLine.Run("runs", "ls", _folder, "--json");
        Assert.Contains("\"state\": \"complete\"", listed.Output, StringComparison.Ordinal);

        var again = Run("first", "--input", documents);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("is complete", again.Errors, StringComparison.Ordinal);
        Assert.Equal(first.Output, again.Output);

        var other = Run("first", "--input", documents, "--seed", "2");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("holds a different run (recipe.seed is 1 there and 2 here)", other.Errors, StringComparison.Ordinal);

        var repeated = CommandLine.Run(
            "run", Path.Combine(_folder, "first", "recipe.resolved.jsonc"), "--threads", "1", "--out", Path.Combine(_folder, "second"));
        Assert.True(repeated.ExitCode == 0, repeated.Errors);
        Assert.Equal(Weights("first"), Weights("second"));
    }

    [Fact]
    public void A_context_longer_than_all_documents_is_refused()
    {
        var documents = Path.Combine(_folder, "library.xml");
        File.WriteAllText(documents, SmallLibrary.Documentation());
        var result = Run("long", "--input", documents, "--set", "training.contextLength=32768", "--set", "training.microBatchTokens=32768",
            "--set", "training.validationTokens=65536", "--set", "base.batchTokens=32768", "--set", "sft.batchTokens=32768");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("training.contextLength is 32768 but there are only", result.Errors, StringComparison.Ordinal);
    }

    private CommandResult Run(string name, params string[] more) =>
        CommandLine.Run([.. SmallLibrary.Quickstart(Path.Combine(_folder, name)), .. more]);

    private string Weights(string run) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(_folder, run, "model", "model.safetensors"))));
}
