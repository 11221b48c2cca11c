using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;

namespace Dolmen.Training;

/// <param name="Step">Steps done; the next one has this number.</param>
/// <param name="Identity">Hash of everything that decides the bits: model, recipe, data, seed.</param>
internal sealed record CheckpointState(int Step, double Seconds, double Loss, string Identity);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true
)]
[JsonSerializable(typeof(CheckpointState))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

/// <summary><c>checkpoints/step-000120/</c>: every named state of the run, such as the fp32 weights and the optimizer's moments, and where
/// it stood. A directory is renamed into place when it is whole, so a killed run never leaves half of one.</summary>
internal sealed class TrainingCheckpoint(string directory, int keep)
{
    private const string StateFile = "state.json";
    private const string TensorsFile = "state.safetensors";

    public void Save(IReadOnlyList<NamedState> states, CheckpointState state)
    {
        var final = Path.Combine(directory, $"step-{state.Step:D6}");
        if (Directory.Exists(final)) return;
        var staged = final + AtomicFile.TemporarySuffix;
        if (Directory.Exists(staged)) Directory.Delete(staged, recursive: true);
        Directory.CreateDirectory(staged);
        try
        {
            SafetensorsWriter.Write(
                Path.Combine(staged, TensorsFile),
                [.. states.Select(part => new TensorShape(part.Name, [part.Count]))],
                states.Select(part => new NamedTensor(part.Name, [part.Count], Values(part))),
                TensorDtype.Float32);
            AtomicFile.WriteJson(Path.Combine(staged, StateFile), state, CheckpointJson.Default.CheckpointState);
            Directory.Move(staged, final);
        }
        catch
        {
            Directory.Delete(staged, recursive: true);                          // the last good checkpoint stays the last
            throw;
        }
        foreach (var (old, _) in Finished().SkipLast(keep)) Directory.Delete(old, recursive: true);
    }

    /// <summary>Loads the newest checkpoint into <paramref name="states"/>; null when there is none.</summary>
    /// <exception cref="UserErrorException">It belongs to a different run, or is damaged.</exception>
    public CheckpointState? LoadNewest(IReadOnlyList<NamedState> states, string identity)
    {
        if (Finished().LastOrDefault() is not { Path: { } newest })
            return null;
        var state =
            JsonSerializer.Deserialize(RegularFile.ReadAllText(Path.Combine(newest, StateFile)), CheckpointJson.Default.CheckpointState)
            ?? throw new UserErrorException(
                $"{newest} is damaged: {StateFile} is empty. Delete this directory to go on from an earlier checkpoint."
            );
        if (state.Identity != identity)
        {
            throw new UserErrorException(
                $"{directory} holds checkpoints of a different run: its model, recipe, data or seed is not this one's. "
                    + "Name another --out, or delete the directory to start anew."
            );
        }
        using var tensors = SafetensorsFile.Open(Path.Combine(newest, TensorsFile));
        foreach (var part in states)
        {
            var values = new float[part.Count];
            tensors.Read(part.Name, values);
            part.Write(values);
        }
        return state;
    }

    private static float[] Values(NamedState state)
    {
        var values = new float[state.Count];
        state.Read(values);
        return values;
    }

    private IEnumerable<(string Path, int Step)> Finished() =>
        !Directory.Exists(directory)
            ? []
            : Directory
                .EnumerateDirectories(directory, "step-*")
                .Select(path =>
                    (
                        path,
                        int.TryParse(Path.GetFileName(path).AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var step)
                            ? step
                            : -1
                    )
                )
                .Where(entry => entry.Item2 >= 0)
                .OrderBy(entry => entry.Item2);
}
