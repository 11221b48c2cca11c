using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>
/// The entries that a search would return beside the right one, or instead of one that does not exist: overloads, members of the same type
/// with words in common, members of other types with the same name.
/// </summary>
internal sealed partial class OpenBookNeighbours
{
    private const double OverloadShare = 0.35, SiblingShare = 0.40, NamesakeShare = 0.20;
    private const int MaxCandidates = 64;

    private readonly List<Entry> _all;
    private readonly Dictionary<string, List<Entry>> _byContainer, _byName, _byWord;

    /// <param name="entries">Those that may be shown. For training these are training entries alone.</param>
    public OpenBookNeighbours(IEnumerable<Entry> entries)
    {
        _all =
        [
            .. entries.Where(entry => entry.Kind == EntryKind.Passage || (entry.Kind != EntryKind.Document && entry.Summary.Length > 0)),
        ];
        _byContainer = Group(_all, entry => [entry.Container]);
        _byName = Group(_all, entry => [entry.Name]);
        _byWord = Group(_all, entry => Words(entry.Name));
    }

    public bool HasOverloads(Entry subject) =>
        _byContainer.GetValueOrDefault(subject.Container)?.Exists(other => other.Name == subject.Name && other.Id != subject.Id) ?? false;

    /// <summary>Up to <paramref name="count"/> different entries, none of them <paramref name="subject"/> or with its signature.</summary>
    /// <param name="overloads">Whether members of the same name and type are among them.</param>
    /// <param name="described">The question describes the member instead of naming it: the nearest by summary come first.</param>
    public List<Entry> Of(Entry subject, int count, string salt, bool overloads = true, bool described = false)
    {
        var random = new StableRandom(StableHash.Of($"{salt}|neighbours|{subject.Id}"));
        if (_all.Count == 0) return [];
        var siblings = _byContainer.GetValueOrDefault(subject.Container, []);
        var sameName = siblings.Where(other => other.Name == subject.Name).ToList();
        // Passages of a book have no names to be alike by, and may be thousands.
        var alike = subject.Kind == EntryKind.Passage ? Cut(siblings, ref random)
            : Nearest(siblings.Where(other => other.Name != subject.Name), subject, described);
        var namesakes = Cut(_byName.GetValueOrDefault(subject.Name, []), ref random)
            .Where(other => other.Container != subject.Container)
            .ToList();
        var sharing = SharingRarestWord(subject, ref random);
        var taken = new List<Entry>();
        for (var attempt = 0; taken.Count < count && attempt < 8 * count; attempt++)
        {
            var draw = random.NextDouble();
            var pool = overloads && !described && sameName.Count > 0 && draw < OverloadShare ? sameName
                : alike.Count > 0 && draw < OverloadShare + SiblingShare ? alike
                : namesakes.Count > 0 && draw < OverloadShare + SiblingShare + NamesakeShare ? namesakes
                : sharing.Count > 0 ? sharing
                : _all;
            if (attempt > 4 * count) pool = _all;
            var other = pool[random.Next(pool.Count)];
            if (other.Signature == subject.Signature || (!overloads && IsOverload(other, subject))) continue;
            if (!taken.Exists(chosen => chosen.Signature == other.Signature)) taken.Add(other);
        }
        return taken;
    }

    private static bool IsOverload(Entry other, Entry subject) => other.Name == subject.Name && other.Container == subject.Container;

    /// <summary>The few most alike: by words of the name, or of the summary.</summary>
    private static List<Entry> Nearest(IEnumerable<Entry> siblings, Entry subject, bool described)
    {
        const int nearest = 6;
        var words = Of(subject).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. siblings.Select(other => (Other: other, Shared: Of(other).Distinct(StringComparer.OrdinalIgnoreCase).Count(words.Contains)))
                .OrderByDescending(pair => pair.Shared)
                .ThenBy(pair => Math.Abs(pair.Other.Name.Length - subject.Name.Length))
                .ThenBy(pair => pair.Other.Id, StringComparer.Ordinal)
                .Take(nearest)
                .Select(pair => pair.Other),
        ];

        IEnumerable<string> Of(Entry entry) => described ? entry.Summary.Split(' ') : Words(entry.Name);
    }

    private List<Entry> SharingRarestWord(Entry subject, ref StableRandom random)
    {
        var rarest = Words(subject.Name).Where(_byWord.ContainsKey).OrderBy(word => _byWord[word].Count).FirstOrDefault();
        return rarest is null ? [] : Cut(_byWord[rarest], ref random);
    }

    private static List<Entry> Cut(List<Entry> entries, ref StableRandom random)
    {
        if (entries.Count <= MaxCandidates) return entries;
        var start = random.Next(entries.Count - MaxCandidates);
        return entries.GetRange(start, MaxCandidates);
    }

    private static Dictionary<string, List<Entry>> Group(List<Entry> entries, Func<Entry, IEnumerable<string>> keys) =>
        entries.SelectMany(entry => keys(entry).Distinct(StringComparer.Ordinal).Select(key => (Key: key, Entry: entry)))
            .GroupBy(pair => pair.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Select(pair => pair.Entry).ToList(), StringComparer.Ordinal);

    private static IEnumerable<string> Words(string name) => Word().Matches(name).Select(match => match.Value);

    [GeneratedRegex("[A-Z]+(?![a-z])[0-9]*|[A-Z][a-z0-9]*|[a-z0-9]+")]
    private static partial Regex Word();
}
