using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Pipeline.Stages;

/// <summary>One arrow of the flow: a directory of its own, made from named inputs by a part of the recipe.</summary>
/// <param name="Recipe">The part of the recipe its outputs depend on.</param>
/// <param name="Inputs">Name → SHA-256 of what it reads.</param>
/// <param name="Resumes">Whether the work can go on from what an interrupted attempt left; otherwise it begins anew.</param>
internal sealed record Stage(string Name, JsonNode? Recipe, IReadOnlyDictionary<string, string> Inputs, bool Resumes, Action<string> Run);

/// <summary>What a stage cost. <paramref name="Skipped"/>: it was finished by an earlier command.</summary>
public sealed record StageCost(string Stage, double Seconds, double EnergyJoules, string EnergyMethod, long PeakMemoryBytes, bool Skipped);

/// <summary>Written while a stage is at work, gone when it is finished.</summary>
internal sealed record StageAttempt(string Identity, double Seconds)
{
    public const string FileName = "unfinished.json";
}
