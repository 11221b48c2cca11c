using System.Buffers;

namespace Dolmen.Web.Extraction;

public enum HtmlToken { Text, StartTag, EndTag, CData }

/// <summary>Cuts a page into tags and text in one pass, every character looked at a bounded number of times whatever the page says.
/// Comments, declarations and processing instructions leave no token. Recovers from errors as HTML 5 does, save that an unended
/// <c>title</c> or <c>textarea</c> does not swallow the page.</summary>
public ref struct HtmlTokenizer(ReadOnlySpan<char> html)
{
    private const int MaxAttributes = 24;
    private static readonly SearchValues<char> NameEnd = SearchValues.Create(" \t\n\r\f/>");
    private static readonly SearchValues<char> AttributeEnd = SearchValues.Create(" \t\n\r\f/>=");
    private static readonly SearchValues<char> ValueEnd = SearchValues.Create(" \t\n\r\f>");

    private readonly ReadOnlySpan<char> _html = html;
    // Raw elements whose end tag does not come any more: not searched for again.
    private ulong _unended;
    private int _at;

    public HtmlAttribute[] Attributes { get; } = new HtmlAttribute[MaxAttributes];

    public int AttributeCount { get; private set; }

    public HtmlToken Kind { get; private set; }

    /// <summary>Where the text begins, or the tag's opening bracket.</summary>
    public int Start { get; private set; }

    public int Length { get; private set; }

    public HtmlTag Tag { get; private set; }

    public ulong Name { get; private set; }

    public bool SelfClosing { get; private set; }

    /// <summary>Whether <c>&lt;![CDATA[</c> is text here, as it is in foreign elements only.</summary>
    public bool Foreign { get; set; }

    public bool Next()
    {
        while (_at < _html.Length)
        {
            if (!IsMarkup(_at))
            {
                ReadText();
                return true;
            }
            var next = _html[_at + 1];
            if (next == '!')
            {
                if (SkipDeclaration()) return true;
            }
            else if (next == '?' || (next == '/' && !char.IsAsciiLetter(_html[_at + 2]))) SkipPast('>', _at + 2);
            else if (ReadTag(next == '/')) return true;
        }
        return false;
    }

    /// <summary>Reads what a raw element holds, after its start tag: up to its end tag, which is consumed.</summary>
    public void ReadRaw(HtmlTag tag, ReadOnlySpan<char> name)
    {
        Kind = HtmlToken.Text;
        Start = _at;
        var bit = 1UL << ((int)tag & 63);
        if (tag != HtmlTag.PlainText && (_unended & bit) == 0)
        {
            for (var from = _at; from < _html.Length;)
            {
                var found = _html[from..].IndexOf("</", StringComparison.Ordinal);
                if (found < 0) break;
                from += found + 2;
                var rest = _html[from..];
                if (
                    rest.Length <= name.Length
                    || !rest.StartsWith(name, StringComparison.OrdinalIgnoreCase)
                    || !NameEnd.Contains(rest[name.Length])
                )
                    continue;
                Length = from - 2 - Start;
                SkipPast('>', from);
                return;
            }
            _unended |= bit;
        }
        // Without its end a script goes on to the page's end; a title or a text field cannot be meant to.
        var length = tag is HtmlTag.Title or HtmlTag.TextArea ? _html[_at..].IndexOf('<') : -1;
        Length = length >= 0 ? length : _html.Length - Start;
        _at = Start + Length;
    }

    private readonly bool IsMarkup(int at)
    {
        if (_html[at] != '<' || at + 1 >= _html.Length) return false;
        var next = _html[at + 1];
        return char.IsAsciiLetter(next) || next is '!' or '?' || (next == '/' && at + 2 < _html.Length);
    }

    private void ReadText()
    {
        (Kind, Start) = (HtmlToken.Text, _at);
        do
        {
            var next = _html[(_at + 1)..].IndexOf('<');
            _at = next < 0 ? _html.Length : _at + 1 + next;
        }
        while (_at < _html.Length && !IsMarkup(_at));
        Length = _at - Start;
    }

    private void SkipPast(char end, int from)
    {
        var found = from < _html.Length ? _html[from..].IndexOf(end) : -1;
        _at = found < 0 ? _html.Length : from + found + 1;
    }

    private bool SkipDeclaration()
    {
        var rest = _html[_at..];
        if (rest.StartsWith("<!--", StringComparison.Ordinal))
        {
            SkipComment(_at + 4);
            return false;
        }
        if (!Foreign || !rest.StartsWith("<![CDATA[", StringComparison.Ordinal))
        {
            SkipPast('>', _at + 2);
            return false;
        }
        var end = rest.IndexOf("]]>", StringComparison.Ordinal);
        (Kind, Start) = (HtmlToken.CData, _at + 9);
        Length = (end < 0 ? _html.Length : _at + end) - Start;
        _at = end < 0 ? _html.Length : _at + end + 3;
        return true;
    }

    private void SkipComment(int from)
    {
        var text = _html[from..];
        if (text.StartsWith(">", StringComparison.Ordinal)) _at = from + 1;
        else if (text.StartsWith("->", StringComparison.Ordinal)) _at = from + 2;
        else
        {
            for (var at = from; ; at++)
            {
                var dashes = _html[at..].IndexOf("--", StringComparison.Ordinal);
                if (dashes < 0)
                {
                    _at = _html.Length;
                    return;
                }
                at += dashes;
                var after = _html[(at + 2)..];
                if (after.StartsWith(">", StringComparison.Ordinal)) _at = at + 3;
                else if (after.StartsWith("!>", StringComparison.Ordinal)) _at = at + 4;
                else continue;
                return;
            }
        }
    }

    private bool ReadTag(bool end)
    {
        Start = _at;
        var at = _at + (end ? 2 : 1);
        var length = _html[at..].IndexOfAny(NameEnd);
        if (length < 0) length = _html.Length - at;
        Name = HtmlTags.Name(_html.Slice(at, length));
        Tag = HtmlTags.Find(Name);
        Kind = end ? HtmlToken.EndTag : HtmlToken.StartTag;
        SelfClosing = false;
        AttributeCount = 0;
        at += length;
        while (at < _html.Length)
        {
            var c = _html[at];
            if (c == '>')
            {
                _at = at + 1;
                SelfClosing = _html[at - 1] == '/';
                return true;
            }
            if (c == '/' || IsSpace(c)) at++;
            else at = ReadAttribute(at);
        }
        _at = _html.Length;     // a tag that the page's end cuts off is none
        return false;
    }

    private int ReadAttribute(int at)
    {
        // A name may begin with '='.
        var length = _html[(at + 1)..].IndexOfAny(AttributeEnd);
        var nameEnd = length < 0 ? _html.Length : at + 1 + length;
        var name = HtmlAttribute.Find(HtmlTags.Name(_html[at..nameEnd]));
        at = SkipSpace(nameEnd);
        if (at >= _html.Length || _html[at] != '=')
        {
            Keep(name, nameEnd, 0);
            return at;
        }
        at = SkipSpace(at + 1);
        if (at >= _html.Length) return at;
        if (_html[at] is '"' or '\'')
        {
            var close = _html[(at + 1)..].IndexOf(_html[at]);
            if (close < 0) return _html.Length;
            Keep(name, at + 1, close);
            return at + close + 2;
        }
        length = _html[at..].IndexOfAny(ValueEnd);
        if (length < 0) return _html.Length;
        Keep(name, at, length);
        return at + length;
    }

    private void Keep(AttributeName name, int start, int length)
    {
        if (name != AttributeName.None && AttributeCount < MaxAttributes)
            Attributes[AttributeCount++] = new HtmlAttribute(name, start, length);
    }

    private readonly int SkipSpace(int at)
    {
        while (at < _html.Length && IsSpace(_html[at])) at++;
        return at;
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r' or '\f';
}
