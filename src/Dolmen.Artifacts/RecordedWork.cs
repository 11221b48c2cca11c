using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Dolmen.Artifacts;

/// <summary>
/// A verb at work on an output: hashes what it reads, measures what it takes, and leaves the manifest when it is finished. The manifest of
/// an earlier result is taken away at the start, and comes back if the work ends without having changed anything; work that was broken off
/// leaves a note instead.
/// </summary>
public sealed class RecordedWork : IDisposable
{
    private readonly string _stage;
    private readonly CancellationToken _stop;
    private readonly List<ManifestInput> _inputs = [];
    private readonly EnergyMeter _energy = EnergyMeter.Start();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Manifest? _earlier;
    private readonly byte[] _earlierBytes = [];
    private readonly double _secondsBefore;
    private bool _finished;

    /// <param name="stage">The verb as it is typed: "tokenizer train".</param>
    /// <param name="output">A file or folder, there or not yet; null for work that leaves nothing, of which nothing is recorded.</param>
    public RecordedWork(string stage, string? output, CancellationToken stop)
    {
        (_stage, Output, _stop) = (stage, output is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)), stop);
        if (Output is null) return;
        MachineSnapshot.RestartPeakMemory();
        _secondsBefore = UnfinishedWork.Read(Output) is { } attempt && attempt.Stage == stage ? attempt.Seconds : 0;
        _earlier = Manifest.Read(Output);
        if (_earlier is null) return;
        _earlierBytes = RegularFile.ReadAllBytes(Manifest.PlaceFor(Output));
        File.Delete(Manifest.PlaceFor(Output));
    }

    /// <summary>Where the result goes; a verb that makes a file in a named folder says so here.</summary>
    public string? Output { get; set; }

    private string Folder => Directory.Exists(Output) ? Output : Path.GetDirectoryName(Output) ?? "/";

    private double Seconds => _secondsBefore + Stopwatch.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Called before the work, so that what is recorded is what was read.</summary>
    /// <param name="path">A file or folder, or what stands for an input that is neither; nothing is recorded for an empty one.</param>
    public void Reads(string role, string? path)
    {
        if (Output is null || string.IsNullOrEmpty(path)) return;
        _inputs.Add(ManifestInput.Of(role, path, Directory.Exists(path) || File.Exists(path) ? OutputFolder() : ".", _stop));
    }

    public void Reads(string role, IEnumerable<string> paths)
    {
        foreach (var path in paths) Reads(role, path);
    }

    /// <summary>Records an input that has no path: a repository, an address.</summary>
    public void ReadsNamed(string role, string name) => Reads(new ManifestInput(role, name, null, null, null));

    public void Reads(ManifestInput input)
    {
        if (Output is not null) _inputs.Add(input);
    }

    /// <summary>Writes the manifest.</summary>
    /// <param name="recipe">Every setting that the result depends on.</param>
    /// <param name="facts">See <see cref="Manifest.Facts"/>.</param>
    public void Finish(ulong seed, JsonNode? recipe, JsonObject facts)
    {
        _finished = true;
        if (Output is null) return;
        var (seconds, energy, memory) = (Seconds, _energy.Stop(), MachineSnapshot.PeakMemoryBytes());
        var shared = ManifestInput.WithoutMachinePaths(recipe, Folder);
        var recipeSha256 = StableHash.Sha256(shared?.ToJsonString() ?? "null");
        var keys = _inputs.Select((input, i) => KeyValuePair.Create($"{i} {input.Role}", input.Sha256 ?? input.Name)).ToDictionary();
        if (Directory.Exists(Output)) UnfinishedWork.Remove(Output);
        new Manifest(
            _stage,
            Manifest.IdentityOf(_stage, recipeSha256, seed, keys),
            _inputs,
            Outputs(),
            recipeSha256,
            seed,
            GitCommit.Of(AppContext.BaseDirectory),
            MachineSnapshot.Take(),
            seconds,
            energy,
            memory
        )
        {
            Version = Manifest.ProgramVersion,
            Finished = TimeProvider.System.GetUtcNow().UtcDateTime,
            Recipe = shared,
            Facts = ManifestInput.WithoutMachinePaths(facts, Folder)?.AsObject(),
        }.Write(Output);
    }

    public void Dispose()
    {
        if (_finished || Output is null) return;
        if (_earlier is not null && _earlier.Damage(Output, Known()) is null)
        {
            AtomicFile.Write(Manifest.PlaceFor(Output), stream => stream.Write(_earlierBytes));
            return;
        }
        if (Directory.Exists(Output) && Directory.EnumerateFileSystemEntries(Output).Any())
            new UnfinishedWork(_stage, "", Seconds).TryWrite(Output);
    }

    /// <summary>The manifest of a folder lies in it, that of a file beside it; an output that is not there yet is one or the other by its
    /// name.</summary>
    private string OutputFolder() =>
        Directory.Exists(Output) || Path.GetExtension(Output) is not (".gguf" or ".safetensors") ? Output! : Folder;

    private RecordedHashes Known()
    {
        var known = new RecordedHashes();
        if (_earlier is not null) known.Add(Folder, _earlier);
        return known;
    }

    private IReadOnlyList<ManifestFile> Outputs() => Directory.Exists(Output) ? Manifest.FilesOf(Output, Known())
        : File.Exists(Output) ? [Manifest.FileOf(Output, Path.GetFileName(Output))]
        : throw new InvalidOperationException($"{_stage} finished without leaving {Output}.");
}
