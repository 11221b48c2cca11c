namespace Dolmen.Tests.Fakes;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("dolmen-test-").FullName;

    public void Write(string file, params string[] lines) => File.WriteAllLines(System.IO.Path.Combine(Path, file), lines);

    public string Read(string file) => File.ReadAllText(System.IO.Path.Combine(Path, file));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
