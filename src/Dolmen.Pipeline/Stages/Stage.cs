using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Stages;

/// <summary>A stage as one run executes it: a directory of its own, made from named inputs by a part of the recipe.</summary>
/// <param name="Recipe">The part of the recipe its outputs depend on.</param>
/// <param name="Depends">Name → SHA-256 of what it reads: what decides whether a finished directory is still right.</param>
/// <param name="Resumes">Whether the work can go on from what an interrupted attempt left; otherwise it begins anew.</param>
internal sealed record Stage(
    string Name, JsonNode? Recipe, IReadOnlyDictionary<string, string> Depends, bool Resumes, Action<string> Run)
{
    /// <summary>The inputs as the manifest records them.</summary>
    public Func<IReadOnlyList<ManifestInput>> Inputs { get; init; } = () => [];

    /// <summary>Figures of the finished directory for the manifest.</summary>
    public Func<string, JsonObject> Facts { get; init; } = _ => [];
}

/// <summary>What a stage cost. <paramref name="Skipped"/>: it was finished by an earlier command.</summary>
public sealed record StageCost(string Stage, double Seconds, double EnergyJoules, string EnergyMethod, long PeakMemoryBytes, bool Skipped);
