using System.Text;

namespace Dolmen.Data.Readers;

/// <summary>A training text: a type with its members, a file with its sections.</summary>
internal sealed record Document(string Id, string Text, string Dump, string FilePath, string Language);

/// <summary>Entries as text. The heading line and the summary below it are also a multiple-choice query and its answer.</summary>
internal static class Documents
{
    public static string Query(Entry entry) => $"## {entry.Signature}\n";

    /// <summary>An entry as it stands in a document, ending in a line break.</summary>
    public static string Section(Entry entry)
    {
        var text = new StringBuilder();
        if (entry.Kind == EntryKind.Passage) return text.Append(entry.Remarks).Append('\n').ToString();
        text.Append(entry.IsHead ? "# " : "## ").Append(entry.Signature).Append('\n');
        if (entry.Summary.Length > 0) text.Append(entry.Summary).Append('\n');
        if (entry.Params.Count > 0)
        {
            text.Append("Parameters:\n");
            foreach (var parameter in entry.Params)
                text.Append("- ").Append(parameter.Name).Append(": ").Append(parameter.Text).Append('\n');
        }
        if (entry.Returns.Length > 0)
            text.Append(entry.Kind is EntryKind.Property ? "Value: " : "Returns: ").Append(entry.Returns).Append('\n');
        if (entry.Exceptions.Count > 0)
            text.Append(Exceptions(entry)).Append('\n');
        if (entry.Remarks.Length > 0)
            text.Append(entry.Remarks).Append('\n');
        if (entry.Example.Length > 0)
            text.Append("Example:\n").Append(entry.Example).Append('\n');
        return text.ToString();
    }

    /// <summary>One line an exception.</summary>
    public static string Exceptions(Entry entry) => string.Join('\n', entry.Exceptions.Select(e => $"Throws {e.Name}: {e.Text}"));

    /// <summary>One document a container, in ordinal order; heads that stand alone are gathered by theirs.</summary>
    public static IEnumerable<Document> Assemble(IEnumerable<Entry> training, Func<string, string> dumpOf)
    {
        var parts = new SortedDictionary<string, List<Entry>>(StringComparer.Ordinal);
        var heads = new SortedDictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var entry in training)
        {
            if (entry.IsHead) heads.TryAdd(KeyOf(entry), entry);
            else if (parts.TryGetValue(entry.Container, out var list)) list.Add(entry);
            else parts.Add(entry.Container, [entry]);
        }
        var alone = heads.Where(h => h.Value.Kind == EntryKind.Type && !parts.ContainsKey(h.Key)).Select(h => h.Value);
        foreach (var group in alone.GroupBy(e => e.Container, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var name = group.Key.Length > 0 ? $"Types of {group.Key}" : "Types";
            var sorted = group.OrderBy(e => e.Signature, StringComparer.Ordinal).ToList();
            yield return Make(name, $"# {name}\n\n{string.Join('\n', sorted.Select(e => "#" + Section(e)))}", sorted[0]);
        }
        foreach (var (key, entries) in parts)
        {
            var sorted = entries
                .OrderBy(e => e.Order)
                .ThenBy(e => e.Signature, StringComparer.Ordinal)
                .ThenBy(e => e.Id, StringComparer.Ordinal)
                .ToList();
            var body = string.Join('\n', sorted.Select(Section));
            if (sorted[0].Kind == EntryKind.Passage) yield return Make(key, body, sorted[0]);
            else yield return Make(key, $"{(heads.TryGetValue(key, out var head) ? Section(head) : $"# {key}\n")}\n{body}", sorted[0]);
        }
        foreach (var (key, head) in heads)
            if (head.Kind == EntryKind.Document && !parts.ContainsKey(key)) yield return Make(key, Section(head), head);

        // The language of documentation that comes with a program is known; of a user's own texts it is not.
        Document Make(string id, string text, Entry from) => new(id, text, dumpOf(from.Source), from.Source, from.IsProse ? "und" : "en");
    }

    private static string KeyOf(Entry head) => head.Kind == EntryKind.Type ? head.Signature : head.Container;
}
