using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>
/// Members that do not exist but look as if they did: a real entry is the template (its type, kind, parameters and length), its name is
/// put together from words of real names elsewhere. No real name is ever made, and none is made twice.
/// </summary>
internal sealed partial class InventedNames
{
    private const double TypeShare = 0.15;
    private const int Attempts = 40;
    private const int MaxFailures = 200;

    private readonly List<Entry> _members;
    private readonly List<Entry> _types;
    private readonly List<Entry> _sections;
    private readonly HashSet<string> _taken;

    /// <param name="known">Every entry there is, held-out ones too: what exists must not be called unknown.</param>
    /// <param name="training">Those whose names and answers may be shown in training.</param>
    public InventedNames(IEnumerable<Entry> known, IEnumerable<Entry> training)
    {
        _taken = new HashSet<string>(known.SelectMany(e => new[] { e.Name, e.Signature }), StringComparer.Ordinal);
        var shown = training.ToList();
        _types = [.. shown.Where(e => e.Kind == EntryKind.Type)];
        _sections = [.. shown.Where(e => e.Kind is (EntryKind.Section or EntryKind.Term) && InventedTopics.IsTemplate(e))];
        _members = [.. shown.Where(e => e.IsMember && IsTemplate(e))];
    }

    /// <summary>An invented entry and, as its texts, those of a real one that was lent for it: what a model would make up. Null when the
    /// corpus has too few names to combine.</summary>
    public Entry? Make(string salt)
    {
        var random = new StableRandom(StableHash.Of(salt));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var total = _members.Count + _sections.Count;
            if (total < 8) return null;
            var pick = random.Next(total);
            // A small corpus soon runs out of new pairs of words: then a name grows by one.
            var longer = attempt / (Attempts / 2);
            var made = pick >= _members.Count ? Section(_sections[pick - _members.Count], longer, ref random)
                : _types.Count > 8 && random.NextDouble() < TypeShare ? OfInventedType(_members[pick], longer, ref random)
                : Member(_members[pick], longer, ref random);
            if (made is null || !_taken.Add(made.Signature)) continue;
            _taken.Add(made.Name);
            return made;
        }
        return null;
    }

    /// <summary>A question about an invented entry. The kinds fall as they do for real ones: one whose template cannot be asked in the
    /// drawn way is asked in the next.</summary>
    public static Question? Ask(Entry made, double draw, string salt) =>
        KindsFrom(draw).Select(kind => Question.Ask(made, kind, salt)).OfType<Question>().FirstOrDefault();

    /// <summary>Questions about names that do not exist; fewer than <paramref name="count"/> where a corpus has no more names to combine.
    /// Ends before the last are used up, so that some are left for other purposes, and where names are made but none can be asked
    /// about.</summary>
    /// <param name="salt">Of kinds and phrasings.</param>
    /// <param name="names">Of the names: the same names are not made for two purposes.</param>
    public IEnumerable<Question> Questions(int count, string salt, string names)
    {
        int asked = 0, notMade = 0, notAskedInARow = 0;
        for (var i = 0; asked < count && notMade < MaxFailures && notAskedInARow < MaxFailures; i++)
        {
            if (Make($"{names}|{i}") is not { } entry) notMade++;
            else if (Ask(entry, StableHash.Fraction($"{salt}|kind|{i}"), salt) is not { } question) notAskedInARow++;
            else
            {
                (asked, notAskedInARow) = (asked + 1, 0);
                yield return question;
            }
        }
    }

    // Which-questions name no member that could be invented.
    private static IEnumerable<QuestionKind> KindsFrom(double draw)
    {
        var kinds = QuestionPool.Mix.Where(m => m.Kind != QuestionKind.Which).ToList();
        var at = draw * kinds.Sum(k => k.Share);
        var start = 0;
        while (start < kinds.Count - 1 && at >= kinds[start].Share) at -= kinds[start++].Share;
        return kinds.Skip(start).Append(kinds[0]).Select(k => k.Kind);
    }

    private Entry? Member(Entry template, int longer, ref StableRandom random)
    {
        if (template.Kind is EntryKind.Constructor or EntryKind.Operator) return null;
        var lender = Other(_members, template, ref random);
        var name = Combine(Words(template.Name).Count + longer, Words(lender.Name), Words(Other(_members, template, ref random).Name), "");
        if (name is null || _taken.Contains(name)) return null;
        var tail = template.Signature[(template.Container.Length + 1 + template.Name.Length)..];
        var shape = template;
        if (
            template.Kind == EntryKind.Method
            && lender.Kind == EntryKind.Method
            && !lender.Signature.Contains('<', StringComparison.Ordinal)
            && random.NextDouble() < 0.5
        )
            (tail, shape) = (lender.Signature[lender.Signature.IndexOf('(', StringComparison.Ordinal)..], lender);
        return Lent(template, lender, name, $"{template.Container}.{name}{tail}") with { Params = shape.Params };
    }

    private Entry? OfInventedType(Entry template, int longer, ref StableRandom random)
    {
        var type = _types[random.Next(_types.Count)];
        var name = Combine(
            Words(type.Name).Count + longer,
            Words(_types[random.Next(_types.Count)].Name),
            Words(_types[random.Next(_types.Count)].Name),
            ""
        );
        if (name is null || _taken.Contains(name))
            return null;
        var full = type.Container.Length > 0 ? $"{type.Container}.{name}" : name;
        var signature = template.Signature.Replace(template.Container, full, StringComparison.Ordinal);
        return Lent(template, Other(_members, template, ref random), name, signature) with { Container = full };
    }

    private Entry? Section(Entry template, int longer, ref StableRandom random)
    {
        var (opening, ending) = (Other(_sections, template, ref random), Other(_sections, template, ref random));
        var name = InventedTopics.Combine(template, opening, ending, longer);
        return name is null || _taken.Contains(name) ? null : Lent(template, opening, name, $"{template.Subject}: {name}");
    }

    private static Entry Lent(Entry template, Entry lender, string name, string signature) => template with
    {
        Id = $"invented:{signature}", Name = name, Signature = signature, Summary = lender.Summary,
        Returns = template.Returns.Length > 0 && lender.Returns.Length > 0 ? lender.Returns : template.Returns,
        Remarks = "", Example = "",
    };

    private static Entry Other(List<Entry> entries, Entry than, ref StableRandom random)
    {
        var other = entries[random.Next(entries.Count)];
        for (var i = 0; i < 8 && other.Container == than.Container; i++) other = entries[random.Next(entries.Count)];
        return other;
    }

    // The opening of one name and the end of another, as many words in all as the template has.
    internal static string? Combine(int count, IReadOnlyList<string> opening, IReadOnlyList<string> ending, string separator)
    {
        if (opening.Count == 0 || ending.Count == 0) return null;
        if (count <= 1) return ending[^1].Length > 3 ? ending[^1] : null;
        var head = Math.Clamp(count - ending.Count, 1, opening.Count);
        return string.Join(separator, opening.Take(head).Concat(ending.Skip(Math.Max(0, ending.Count - (count - head)))));
    }

    private static bool IsTemplate(Entry entry) =>
        entry.Kind is EntryKind.Constructor
        || (
            !entry.Name.Contains('#', StringComparison.Ordinal)
            && entry.Signature.StartsWith($"{entry.Container}.{entry.Name}", StringComparison.Ordinal)
        );

    private static List<string> Words(string name) => [.. Word().Matches(name).Select(m => m.Value)];

    [GeneratedRegex("[A-Z]+(?![a-z])[0-9]*|[A-Z][a-z0-9]*|[a-z0-9]+")]
    private static partial Regex Word();
}
