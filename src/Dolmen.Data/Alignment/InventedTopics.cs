using System.Buffers;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>Names of sections and settings that do not exist, put together from words of real ones.</summary>
internal static class InventedTopics
{
    private static readonly SearchValues<char> Punctuation = SearchValues.Create("(),<>=`\"[]{}/|");

    /// <summary>Headings that many pages share would make an invented name that is none: "Notes", "Examples".</summary>
    public static bool IsTemplate(Entry entry) =>
        entry.Summary.Length > 0 && !SectionTitle.IsGeneric(entry.Name) && Joint(entry) is not null && !entry.Name.EndsWith('?');

    /// <summary>A name like the template's: identifiers from parts of identifiers, headings from words of headings.</summary>
    public static string? Combine(Entry template, Entry opening, Entry ending, int longer)
    {
        var joint = Joint(template);
        if (joint is null || Joint(opening) != joint || Joint(ending) != joint) return null;
        if (opening.Kind != template.Kind || ending.Kind != template.Kind) return null;
        var (first, last) = (opening.Name.Split(joint), ending.Name.Split(joint));
        var name = InventedNames.Combine(Math.Max(2, template.Name.Split(joint).Length) + longer, first, last, joint);
        // "Functions and" and "SELECT SELECT" show that nobody wrote them.
        var words = name?.Split(joint) ?? [];
        var isPlain = words.Length > 1
            && words.Distinct(StringComparer.OrdinalIgnoreCase).Count() == words.Length
            && !EnglishVerbs.IsFunctionWord(words[^1])
            && !EnglishVerbs.IsFunctionWord(words[0]);
        return isPlain && (joint == " " || IsOneCase(name ?? "")) ? name : null;
    }

    // Nobody mixes "log" and "LEVEL" in the name of a setting.
    private static bool IsOneCase(string name) => !name.Any(char.IsUpper) || !name.Any(char.IsLower);

    // What joins the words of a name: "log_lock_waits", "Automatic Vacuuming"; null where it is a signature or a list of names.
    private static string? Joint(Entry entry)
    {
        var name = entry.Name;
        if (name.AsSpan().IndexOfAny(Punctuation) >= 0) return null;
        if (name.Contains(' ', StringComparison.Ordinal)) return name.Split(' ').Any(TermName.IsNameWord) ? null : " ";
        return name.Contains('_', StringComparison.Ordinal) ? "_" : name.TrimStart('-').Contains('-', StringComparison.Ordinal) ? "-"
            : entry.Kind == EntryKind.Section ? " "
            : null;
    }
}
