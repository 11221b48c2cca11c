using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Says why nothing is left of an input: what was dropped and what could not be read, and the first of each with what is
/// wrong.</summary>
internal static class EmptyCorpus
{
    private const int MostReasons = 6, MostPlaces = 3;

    public static string WhyEmpty(this CleaningReport report)
    {
        var reasons = ListReasons(report.Dropped.Concat(report.Unread));
        var left =
            report.Read > 0
                ? $"nothing is left of {report.Read} documents"
                : $"no document could be read from {report.Files} file{(report.Files == 1 ? "" : "s")}";
        return $"{left}{(reasons.Length > 0 ? $": {reasons}" : ": the input is empty")}.{Places(report.Broken)}";
    }

    /// <summary>": unparsable-json 3. First: …", or nothing.</summary>
    public static string Reasons(Funnel funnel) =>
        ListReasons(funnel.Dropped) is { Length: > 0 } reasons ? $": {reasons}.{Places(funnel.Broken)}".TrimEnd('.') : "";

    private static string ListReasons(IEnumerable<KeyValuePair<string, long>> counts) =>
        string.Join(
            ", ",
            counts
                .Where(count => count.Value > 0)
                .OrderByDescending(count => count.Value)
                .ThenBy(count => count.Key, StringComparer.Ordinal)
                .Take(MostReasons)
                .Select(count => $"{count.Key} {count.Value}")
        );

    private static string Places(IEnumerable<BrokenRecord> broken) =>
        string.Concat(
            broken
                .DistinctBy(record => record.Reason)
                .Take(MostPlaces)
                .Select(record =>
                    $" The first {record.Reason} is "
                        + $"{(record.Offset > 0 ? $"at {record.File}:{record.Offset}" : record.File)}"
                        + $"{(record.Detail is { } detail ? $" ({detail.TrimEnd('.')})" : "")}."
                )
        );
}
