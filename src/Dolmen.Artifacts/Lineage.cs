using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>What became of an input since it was read.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InputState>))]
public enum InputState
{
    /// <summary>It is where it was and holds the same.</summary>
    [JsonStringEnumMemberName("unchanged")] Unchanged,

    /// <summary>What is there now is not what was read.</summary>
    [JsonStringEnumMemberName("changed")] Changed,

    /// <summary>Its place is known, and nothing is there.</summary>
    [JsonStringEnumMemberName("missing")] Missing,

    /// <summary>The input cannot be looked at: it is an address, or its path was not recorded.</summary>
    [JsonStringEnumMemberName("unknown")] Unknown,
}

/// <param name="Step">Name of the step that made it, where there is one and its manifest is the one that was there.</param>
public sealed record LineageInput(ManifestInput Input, InputState State, string? Step);

/// <summary>One piece of work on the way to a result.</summary>
/// <param name="Name">Tells the steps of a lineage apart: a path from the folder that was asked about.</param>
/// <param name="Damage">What is wrong with its outputs; null when all are as they were left.</param>
public sealed record LineageStep(string Name, [property: JsonIgnore] string Place, Manifest Manifest, string? Damage,
    IReadOnlyList<LineageInput> Inputs);

/// <summary>The way back from a result to what it was made of, as far as manifests lead.</summary>
/// <param name="Steps">The result first, then what it was made of, breadth first.</param>
public sealed record Lineage(IReadOnlyList<LineageStep> Steps)
{
    /// <summary>Where the way back ends: inputs that no step here made.</summary>
    public IEnumerable<(LineageStep Step, LineageInput Input)> Ends =>
        Steps.SelectMany(step => step.Inputs.Where(input => input.Step is null).Select(input => (step, input)));

    /// <exception cref="UserErrorException">Nothing there was made by a verb that leaves a manifest.</exception>
    public static Lineage Of(string path, CancellationToken stop = default)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new UserErrorException($"{path} does not exist: name a folder or file that a verb with --out has made.");
        if (MadeBy.Of(path) is not { } result)
        {
            throw new UserErrorException(UnfinishedWork.Read(path) is { } unfinished
                ? $"{path} is not finished ({unfinished.Stage} was interrupted): give the command that began it once more."
                : File.Exists(Path.Combine(path, RunDirectory.RunFile))
                    ? $"{path} holds a run that is not finished: give the command that began it once more, or name one of its folders."
                    : $"{path} has no {Manifest.FileName}, and no folder around it has one that names it: nothing says how it was made. "
                        + $"'{CommandName.Shown} runs ls' lists the runs of a folder.");
        }
        return new Walk(result.Output, stop).From(result);
    }

    private sealed class Walk(string start, CancellationToken stop)
    {
        private readonly List<LineageStep> _steps = [];
        private readonly Queue<MadeBy> _waiting = new();
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
        private readonly RecordedHashes _known = new();

        public Lineage From(MadeBy result)
        {
            Visit(result);
            while (_waiting.TryDequeue(out var work))
            {
                stop.ThrowIfCancellationRequested();
                var inputs = work.Manifest.Inputs.Select(input => Follow(input, work)).ToList();
                if (work.Manifest.Stage == RunDirectory.RunStage) VisitStages(work);
                var damage = work.Manifest.Damage(work.Output, _known);
                _steps.Add(new LineageStep(NameOf(work), work.Output, work.Manifest, damage, inputs));
            }
            return new Lineage(_steps);
        }

        /// <summary>A whole run consists of its stages, the last one first.</summary>
        private void VisitStages(MadeBy run)
        {
            foreach (var file in run.Manifest.Outputs.Reverse().Where(file => file.Path.EndsWith('/' + Manifest.FileName)))
            {
                if (MadeBy.Of(Path.Combine(run.Output, Path.GetDirectoryName(file.Path) ?? "")) is { } stage) Visit(stage);
            }
        }

        private LineageInput Follow(ManifestInput input, MadeBy reader)
        {
            var folder = Directory.Exists(reader.Output) ? reader.Output : Path.GetDirectoryName(reader.Output) ?? "/";
            var place = input.Path is null ? null : Path.GetFullPath(input.Path, folder);
            if (place is null || !(File.Exists(place) || Directory.Exists(place)))
                place = (input.Sha256 is { } sha256 ? KnownPlaces.Find(sha256) : null) ?? place;
            if (place is null || input.Sha256 is null) return new LineageInput(input, InputState.Unknown, null);
            if (!File.Exists(place) && !Directory.Exists(place)) return new LineageInput(input, InputState.Missing, null);
            if (ContentHash.Of(place, stop) != input.Sha256) return new LineageInput(input, InputState.Changed, null);
            // Another manifest over the same contents tells of work that made the same once more.
            if (input.Manifest is null || MadeBy.Of(place) is not { } maker) return new LineageInput(input, InputState.Unchanged, null);
            Visit(maker);
            return new LineageInput(input, InputState.Unchanged, NameOf(maker));
        }

        private void Visit(MadeBy work)
        {
            if (_seen.Add(work.Output)) _waiting.Enqueue(work);
        }

        private string NameOf(MadeBy work)
        {
            var name = Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(start)) ?? "/", Path.GetFullPath(work.Output));
            return ShownName.Of(name.Replace('\\', '/'));
        }
    }
}
