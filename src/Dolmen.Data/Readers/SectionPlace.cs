namespace Dolmen.Data.Readers;

/// <summary>Where a section stands among the headings of its page, and whose notes or examples it therefore holds.</summary>
internal sealed class SectionPlace
{
    private readonly string _title;
    private readonly List<(int Level, string Heading)> _above = [];

    public SectionPlace(string title) => Subject = SubjectOfTerms = _title = title;

    /// <summary>The page's title; of a heading that many pages share, the nearest one above it that is not of that kind.</summary>
    public string Subject { get; private set; }

    /// <summary>What a term of this section belongs to: the page, whose title people know, or the section where many pages share
    /// that.</summary>
    public string SubjectOfTerms { get; private set; }

    public void Enter(int level, string heading)
    {
        while (_above.Count > 0 && _above[^1].Level >= level) _above.RemoveAt(_above.Count - 1);
        var generic = SectionTitle.IsGeneric(heading);
        var parent = _above.LastOrDefault(h => !SectionTitle.IsGeneric(h.Heading)).Heading;
        Subject = generic && parent is not null ? parent : _title;
        SubjectOfTerms = !SectionTitle.IsGeneric(_title) || generic ? Subject : heading;
        _above.Add((level, heading));
    }
}
