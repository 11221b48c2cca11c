using System.Text.Json;

namespace Dolmen.PipelineTests;

/// <summary>One real <c>quickstart --minutes 0.5</c> on the SDK's documentation, shared by the tests that need a finished run. These run
/// one after the other, because they start whole programs that use every core; tests that need no finished run go on beside
/// them.</summary>
public sealed class QuickstartFixture : IDisposable
{
    public QuickstartFixture()
    {
        Folder = Directory.CreateTempSubdirectory("dolmen-").FullName;
        var result = CommandLine.Run("quickstart", "--minutes", "0.5", "--out", Run, "--json");
        Assert.True(result.ExitCode == 0, result.Errors);
        Result = JsonDocument.Parse(result.Output).RootElement;
    }

    public string Folder { get; }

    public string Run => Path.Combine(Folder, "runs", "quickstart");

    public JsonElement Result { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
