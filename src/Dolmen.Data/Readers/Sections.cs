using System.Text;
using Dolmen.Artifacts;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>Headings, paragraphs and defined terms, in the order they come, to the entries of one document.</summary>
internal sealed class Sections
{
    private const int MinChars = 20;
    private const int MaxTermChars = 80;

    private sealed class Part(int level, string heading, bool isTerm = false)
    {
        public int Level { get; } = level;

        public string Heading { get; set; } = heading;

        public bool IsTerm { get; } = isTerm;

        public StringBuilder Text { get; } = new();
    }

    private readonly string _source, _id, _title;
    private readonly List<Part> _parts;
    private Part _section = new(0, "");
    private Part? _term;
    private bool _endsInItem;
    private string _admonition = "";

    /// <param name="id">What the ids of the entries begin with, and what tells one document from another.</param>
    /// <param name="title">Of a document without headings.</param>
    public Sections(string source, string? id = null, string? title = null)
    {
        (_source, _id, _title) = (source, id ?? source, title ?? Path.GetFileNameWithoutExtension(source));
        _parts = [_section];
    }

    private Part Open => _term ?? _section;

    public void Heading(int level, string text)
    {
        if (SectionTitle.Clean(text) is not { Length: > 0 } heading) return;
        if (_parts.Count > 1 && SectionTitle.IsAdmonition(heading))
        {
            _admonition = $"{heading}:";
            return;
        }
        EndTerm();
        _endsInItem = false;
        _admonition = "";
        _section = new Part(level, heading);
        _parts.Add(_section);
    }

    public void Paragraph(string text) => Append(text, "\n\n", isItem: false);

    /// <summary>An item of a list, on the line after the one before it.</summary>
    public void Item(string text) => Append($"- {text}", _endsInItem ? "\n" : "\n\n", isItem: true);

    /// <summary>The paragraphs up to <see cref="EndTerm"/> say what the term means. Terms that follow each other share them.</summary>
    public void Term(string name)
    {
        if (WhiteSpace.Collapse(InlineMarkdown.Plain(name)).TrimEnd(':', ' ') is not { Length: > 0 } term) return;
        if (_term is { Text.Length: 0, Heading.Length: <= MaxTermChars }) _term.Heading += $", {term}";
        else
        {
            EndTerm();
            _term = new Part(0, term, isTerm: true);
        }
    }

    /// <summary>A term that is explained in a sentence becomes an entry of its own; others stay in the text of their section.</summary>
    public void EndTerm()
    {
        if (_term is not { } term) return;
        _term = null;
        _endsInItem = false;
        var text = term.Text.ToString();
        term.Heading = TermName.Clean(term.Heading);
        if (IsExplained(term.Heading, text)) _parts.Add(term);
        else Item(text.Length > 0 ? $"{term.Heading}: {text}" : term.Heading);
    }

    /// <summary>The first heading is the title: with the text before it and under it, it heads the document.</summary>
    public IEnumerable<Entry> Build(Funnel funnel)
    {
        EndTerm();
        var first = _parts.FindIndex(p => p.Heading.Length > 0 && !p.IsTerm);
        var title = first >= 0 ? _parts[first].Heading : _title;
        var lead = _parts[0].Text.ToString();
        if (_parts.Count == 1)
        {
            foreach (var passage in Passages.Cut(lead, title, _source, funnel, _id)) yield return passage;
            yield break;
        }
        var english = AnswerSentence.IsEnglish(string.Join('\n', _parts.Select(p => p.Text)));
        var opening = string.Join("\n\n", new[] { lead, first >= 0 ? _parts[first].Text.ToString() : "" }.Where(t => t.Length > 0));
        var (summary, rest) = FirstSentence(opening, english, false);
        yield return Entry.Prose($"{_id}#", EntryKind.Document, title, _id, title, summary, rest, _source, 0, title);
        var place = new SectionPlace(title);
        for (var i = 1; i < _parts.Count; i++)
        {
            var part = _parts[i];
            if (i == first) continue;
            if (!part.IsTerm) place.Enter(part.Level, part.Heading);
            var text = part.Text.ToString();
            if (text.Length < MinChars)
            {
                if (part.IsTerm || i + 1 == _parts.Count || !_parts[i + 1].IsTerm) funnel.Drop("too-short");
                continue;
            }
            (summary, rest) = FirstSentence(text, english, part.IsTerm);
            var subject = part.IsTerm ? place.SubjectOfTerms : place.Subject;
            var kind = part.IsTerm ? EntryKind.Term : EntryKind.Section;
            yield return Entry.Prose(
                $"{_id}#{i}",
                kind,
                part.Heading,
                _id,
                $"{subject}: {part.Heading}",
                summary,
                rest,
                _source,
                i,
                subject
            );
        }
    }

    private void Append(string text, string separator, bool isItem)
    {
        if (text.Trim('\n', '\r').TrimEnd() is not { Length: > 0 } paragraph || string.IsNullOrWhiteSpace(paragraph)) return;
        var body = Open.Text;
        if (body.Length > 0) body.Append(separator);
        if (_admonition.Length > 0)
        {
            // Before code, a table or a list it stands alone: on their first line it would break them.
            body.Append(_admonition).Append(ProseBlocks.IsProse(paragraph) ? " " : "\n\n");
            _admonition = "";
        }
        body.Append(paragraph);
        _endsInItem = isItem;
    }

    private static bool IsExplained(string term, string text)
    {
        if (term.Length is 0 or > MaxTermChars || text.Length < MinChars || !term.Any(char.IsLetter)) return false;
        return FirstSentence(text, AnswerSentence.IsEnglish(text), isDefinition: true).First.Length > 0;
    }

    // Lists of options are written in small letters and without full stops: "how fast it turns".
    private static string AsSentence(string phrase)
    {
        if (phrase.Length < MinChars || !char.IsLetterOrDigit(phrase[^1]) && phrase[^1] is not ('.' or ')' or '`')) return phrase;
        var opener = phrase.Split(' ', 2)[0];
        if (opener.All(char.IsAsciiLetterLower)) phrase = char.ToUpperInvariant(phrase[0]) + phrase[1..];
        return phrase[^1] == '.' ? phrase : $"{phrase}.";
    }

    /// <summary>The sentence that the text opens with, where it can stand alone; otherwise nothing, and all of the text remains.</summary>
    private static (string First, string Remaining) FirstSentence(string text, bool english, bool isDefinition)
    {
        var paragraph = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (paragraph < 0) paragraph = text.Length;
        if (!ProseBlocks.IsProse(text.AsSpan(0, paragraph))) return ("", text);
        var end = Sentences.End(text.AsSpan(0, paragraph), 0);
        if (end < 0 && !(isDefinition && paragraph == text.Length)) return ("", text);
        if (end < 0) end = paragraph;
        var sentence = WhiteSpace.Collapse(InlineMarkdown.Plain(text[..end]));
        if (isDefinition && english) sentence = AsSentence(sentence);
        return AnswerSentence.Is(sentence, english, isDefinition) ? (sentence, Rest(text, end)) : ("", text);
    }

    // Behind a sentence, or below it: the indentation of the first line below may be that of code.
    private static string Rest(string text, int start)
    {
        var rest = text[start..].TrimEnd();
        var line = rest.TrimStart(' ');
        return line.StartsWith('\n') ? line.TrimStart('\n') : rest.TrimStart();
    }
}
