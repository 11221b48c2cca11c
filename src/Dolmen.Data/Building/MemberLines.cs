using Dolmen.Data.Readers;
using Dolmen.Retrieval;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Building;

/// <summary>What is said of a type or member as lines of a passage, each behind what it is called: so a line can be asked for, found and
/// copied by its beginning.</summary>
internal static class MemberLines
{
    public static string Of(Entry entry) => string.Join('\n', Lines(entry));

    /// <summary>All exceptions in one line.</summary>
    public static string Throws(Entry entry) => Line(string.Join(' ', entry.Exceptions.Select(one => $"{one.Name}: {one.Text}")));

    /// <summary>Text without line breaks.</summary>
    public static string Line(string text) => WhiteSpace.Collapse(text);

    private static IEnumerable<string> Lines(Entry entry)
    {
        if (entry.Summary.Length > 0) yield return PassageLines.Of(PassageLines.Summary, Line(entry.Summary));
        foreach (var parameter in entry.Params) yield return PassageLines.Of(parameter.Name, Line(parameter.Text));
        if (entry.Returns.Length > 0) yield return PassageLines.Of(PassageLines.Returns, Line(entry.Returns));
        if (entry.Exceptions.Count > 0) yield return PassageLines.Of(PassageLines.Throws, Throws(entry));
        if (entry.Remarks.Length > 0) yield return entry.Remarks;
        if (entry.Example.Length > 0) yield return $"Example:\n{entry.Example}";
    }
}
