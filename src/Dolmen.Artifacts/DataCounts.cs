using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>Where an example stands: a file and the line it begins in, from 1.</summary>
public readonly record struct DataPlace(string File, long Line)
{
    /// <summary>Without the folders, so that what people share names no path of their machine; control characters are escaped.</summary>
    public override string ToString()
    {
        if (File is null) return "";
        var name = ShownName.Of(Path.GetFileName(File));
        return Line > 0 ? $"{name}, line {Line}" : name;
    }
}

/// <summary>How many examples one thing happened to.</summary>
/// <param name="Reason">What happened, as a name that does not change: "no-assistant-turn".</param>
/// <param name="First">File and line of the first of them.</param>
public sealed record DataReason(string Reason, long Count, string First);

/// <summary>What became of the examples of an input: nothing is left out, cut or changed without being counted here.</summary>
/// <param name="Unit">What is counted: "conversations", "pairs", "tokens".</param>
/// <param name="Used">Examples that are learned from, cut ones among them.</param>
/// <param name="Dropped">Examples that were left out, by reason.</param>
/// <param name="Cut">Examples of which a part is used, by reason.</param>
/// <param name="Noted">What was read otherwise than it stands in the file, and keys that were not read, by reason; the examples are
/// used.</param>
public sealed record DataCounts(
    string Unit, long Read, long Used, IReadOnlyList<DataReason> Dropped, IReadOnlyList<DataReason> Cut, IReadOnlyList<DataReason> Noted)
{
    public const string FileName = "data.json";

    /// <summary>Examples that the run's steps never come to, because it is shorter than a pass over them; null where that is not
    /// known.</summary>
    public long? NotReached { get; init; }

    /// <summary>One line for people: "40 conversations read, 20 used, 20 dropped (no-assistant-turn: 20, first mixed.jsonl, line
    /// 3)".</summary>
    public override string ToString()
    {
        var parts = new List<string> { $"{Read:N0} {(Read == 1 ? Unit.TrimEnd('s') : Unit)} read", $"{Used:N0} used" };
        foreach (var (what, reasons) in new[] { ("dropped", Dropped), ("cut", Cut), ("noted", Noted) })
        {
            if (reasons.Count == 0)
                continue;
            var each = string.Join(
                "; ",
                reasons.Select(reason => $"{reason.Reason}: {reason.Count:N0}{(reason.First.Length > 0 ? $", first {reason.First}" : "")}")
            );
            parts.Add($"{reasons.Sum(reason => reason.Count):N0} {what} ({each})");
        }
        if (NotReached is > 0 and var left) parts.Add($"{left:N0} not reached in so few steps");
        return string.Join(", ", parts);
    }

    public void Write(string directory) => AtomicFile.WriteJson(Path.Combine(directory, FileName), this, DataCountsJson.Default.DataCounts);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DataCounts))]
internal sealed partial class DataCountsJson : JsonSerializerContext;
