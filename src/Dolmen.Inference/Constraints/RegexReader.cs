using System.Buffers;
using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>Reads a regular expression in the syntax that JavaScript (ECMA-262) and Python share. What cannot be decided by a finite
/// automaton (back-references, look-around, word boundaries) is refused. Classes hold the characters on which the dialects agree: <c>\d</c>
/// the ASCII digits, and <c>\D</c> nothing that is a digit in any script.</summary>
internal sealed class RegexReader
{
    private const int MaxLength = 10_000, MaxDepth = 200, MaxRepeats = 10_000;

    private readonly string _pattern;
    private readonly bool _search;
    private int _at;
    private int _depth;

    private RegexReader(string pattern, bool search) => (_pattern, _search) = (pattern, search);

    private static readonly SearchValues<char> HalvesOfPairs =
        SearchValues.Create([.. Enumerable.Range(0xD800, 0x800).Select(unit => (char)unit)]);

    private static readonly CodePoints
        Digits = CodePoints.Range('0', '9'),
        Word = CodePoints.Of([('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')]),
        Space = CodePoints.AnyOf(" \t\n\r\f\v"),
        LineEnds = CodePoints.AnyOf("\n\r\u2028\u2029");

    /// <summary>The texts that match as a whole; <c>^</c> and <c>$</c> at the ends change nothing.</summary>
    /// <exception cref="UserErrorException">The pattern is not understood; the message says where.</exception>
    public static Expression Whole(string pattern) => new RegexReader(pattern, search: false).Read();

    /// <summary>The texts in which the pattern is found, as <c>pattern</c> in a JSON schema means it.</summary>
    /// <exception cref="UserErrorException">The pattern is not understood; the message says where.</exception>
    public static Expression Found(string pattern) => new RegexReader(pattern, search: true).Read();

    private Expression Read()
    {
        if (_pattern.Length > MaxLength) throw Problem($"it has {_pattern.Length} characters and at most {MaxLength} are read");
        if (_pattern.AsSpan().ContainsAny(HalvesOfPairs) && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(_pattern)) != _pattern)
            throw Problem("it holds half a surrogate pair");
        var expression = Alternatives(top: true);
        return _at == _pattern.Length ? expression : throw Problem("a ')' closes nothing");
    }

    private Expression Alternatives(bool top)
    {
        if (++_depth > MaxDepth) throw Problem($"groups lie more than {MaxDepth} deep");
        var options = new List<Expression> { Alternative(top) };
        while (Take('|')) options.Add(Alternative(top));
        _depth--;
        return options.Count == 1 ? options[0] : new Expression.Choice(options);
    }

    private Expression Alternative(bool top)
    {
        var parts = new List<Expression>();
        var (opens, closes) = (false, false);
        while (top && Take('^')) opens = true;
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            if (_pattern[_at] == '$' && top)
            {
                _at++;
                closes = true;
                if (_at < _pattern.Length && _pattern[_at] is not ('|' or '$'))
                    throw Problem("'$' is only understood at the end of the pattern");
                continue;
            }
            parts.Add(Repeated(Atom()));
        }
        if (!_search || !top) return parts.Count == 1 ? parts[0] : new Expression.Sequence(parts);
        var anything = new Expression.Repetition(new Expression.Characters(CodePoints.All), 0, null);
        if (!opens) parts.Insert(0, anything);
        if (!closes) parts.Add(anything);
        return new Expression.Sequence(parts);
    }

    private Expression Repeated(Expression atom)
    {
        while (_at < _pattern.Length)
        {
            (int Least, int? Most) times;
            if (Take('*')) times = (0, null);
            else if (Take('+')) times = (1, null);
            else if (Take('?')) times = (0, 1);
            else if (Counts() is { } counts) times = counts;
            else break;
            if (_at < _pattern.Length && _pattern[_at] == '+') throw Problem("possessive repetition is not supported");
            Take('?');                                                   // a lazy repetition matches the same texts
            if (times.Most < times.Least) throw Problem($"{{{times.Least},{times.Most}}} asks for more than it allows");
            if (Math.Max(times.Least, times.Most ?? 0) > MaxRepeats) throw Problem($"a part repeats more than {MaxRepeats} times");
            atom = new Expression.Repetition(atom, times.Least, times.Most);
        }
        return atom;
    }

    /// <summary>Braces that do not hold counts are characters, as everywhere in the field.</summary>
    private (int Least, int? Most)? Counts()
    {
        if (_pattern[_at] != '{' || _pattern.IndexOf('}', _at) is not (> 0 and var end)) return null;
        var parts = _pattern[(_at + 1)..end].Split(',');
        if (parts.Length > 2 || !Number(parts[0], out var least)) return null;
        int? most = least;
        if (parts.Length == 2)
        {
            most = null;
            if (parts[1].Length > 0)
            {
                if (!Number(parts[1], out var limit)) return null;
                most = limit;
            }
        }
        _at = end + 1;
        return (least, most);

        static bool Number(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private Expression Atom()
    {
        var first = Rune.GetRuneAt(_pattern, _at);
        switch (first.Value)
        {
            case '(':
                _at++;
                if (Take('?')) SkipGroupKind();
                var inner = Alternatives(top: false);
                return Take(')') ? inner : throw Problem("a '(' is not closed");
            case '[':
                _at++;
                return new Expression.Characters(Class());
            case '.':
                _at++;
                return new Expression.Characters(LineEnds.Complement());
            case '\\':
                _at++;
                return new Expression.Characters(Escape(inClass: false));
            case '*' or '+' or '?':
                throw Problem($"'{first}' has nothing to repeat");
            case '^' or '$':
                throw Problem($"'{first}' is only understood at the ends of the pattern");
            default:
                _at += first.Utf16SequenceLength;
                return new Expression.Characters(CodePoints.Of(first.Value));
        }
    }

    /// <summary>After <c>(?</c>: groups that only group.</summary>
    private void SkipGroupKind()
    {
        if (Take(':')) return;
        Take('P');
        if (!Take('<') || _at >= _pattern.Length || _pattern[_at] is '=' or '!') throw Problem("look-around and flags are not supported");
        var end = _pattern.IndexOf('>', _at);
        if (end < 0) throw Problem("the name of a group is not closed");
        _at = end + 1;
    }

    /// <summary>After <c>[</c>, up to and with the closing bracket.</summary>
    private CodePoints Class()
    {
        var (negated, ranges, first) = (Take('^'), CodePoints.None, true);
        while (true)
        {
            if (_at >= _pattern.Length) throw Problem("a '[' is not closed");
            if (!first && Take(']')) break;
            if (first && Take(']'))
            {
                // Python takes this bracket for a member of the class and JavaScript for its end.
                throw Problem("a class is empty; write '\\]' for a bracket in it");
            }
            first = false;
            var low = ClassMember();
            if (_at + 1 >= _pattern.Length || _pattern[_at] != '-' || _pattern[_at + 1] == ']')
            {
                ranges = ranges.Union(low);
                continue;
            }
            _at++;
            var high = ClassMember();
            if (Single(low) is not { } from || Single(high) is not { } to) throw Problem("a class of characters cannot end a range");
            if (from > to) throw Problem("a range ends before it begins");
            ranges = ranges.Union(CodePoints.Range(from, to));
        }
        return negated ? ranges.Complement() : ranges;
    }

    private static int? Single(CodePoints set) => set.Ranges is [var (low, high)] && low == high ? low : null;

    private CodePoints ClassMember()
    {
        if (Take('\\')) return Escape(inClass: true);
        var rune = Rune.GetRuneAt(_pattern, _at);
        _at += rune.Utf16SequenceLength;
        return CodePoints.Of(rune.Value);
    }

    /// <summary>After the backslash.</summary>
    private CodePoints Escape(bool inClass)
    {
        if (_at >= _pattern.Length) throw Problem("it ends with a backslash");
        var escaped = _pattern[_at++];
        switch (escaped)
        {
            case 'd': return Digits;
            case 'w': return Word;
            case 's': return Space;
            case 'D': return CodePoints.OfCategories(category => category != UnicodeCategory.DecimalDigitNumber);
            case 'W': return Word.Union(CodePoints.OfCategories(IsLetterOrNumber)).Complement();
            case 'S': return Space.Union(CodePoints.OfCategories(IsSeparatorOrControl)).Union(CodePoints.Of(0xFEFF)).Complement();
            case 'p' or 'P': return Property(negated: escaped == 'P');
            case 't': return CodePoints.Of('\t');
            case 'n': return CodePoints.Of('\n');
            case 'r': return CodePoints.Of('\r');
            case 'f': return CodePoints.Of('\f');
            case 'v': return CodePoints.Of('\v');
            case '0': return CodePoints.Of(0);
            case 'b' when inClass: return CodePoints.Of('\b');
            case 'x': return CodePoints.Of(Hexadecimal(2));
            case 'u' when Take('{'):
                var end = _pattern.IndexOf('}', _at);
                if (end < 0) throw Problem("'\\u{' is not closed");
                var value = Hexadecimal(end - _at);
                _at++;
                return CodePoints.Of(value);
            case 'u': return CodePoints.Of(Utf16(Hexadecimal(4)));
            case >= '1' and <= '9': throw Problem("back-references are not supported");
            case 'b' or 'B' or 'A' or 'Z' or 'z' or 'G' or 'k': throw Problem($"'\\{escaped}' is not supported");
            default:
                if (char.IsAsciiLetter(escaped)) throw Problem($"'\\{escaped}' is not a known escape");
                _at--;
                var rune = Rune.GetRuneAt(_pattern, _at);
                _at += rune.Utf16SequenceLength;
                return CodePoints.Of(rune.Value);
        }
    }

    private static bool IsLetterOrNumber(UnicodeCategory category) =>
        category is <= UnicodeCategory.OtherNumber or UnicodeCategory.ConnectorPunctuation;

    private static bool IsSeparatorOrControl(UnicodeCategory category) =>
        category is >= UnicodeCategory.SpaceSeparator and <= UnicodeCategory.Control;

    /// <summary>After <c>\p</c>: a general category by its short name, such as <c>{L}</c> or <c>{Lu}</c>.</summary>
    private CodePoints Property(bool negated)
    {
        var end = Take('{') ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0) throw Problem("'\\p' needs a category in braces, such as \\p{L}");
        var name = _pattern[_at..end];
        _at = end + 1;
        var set = CodePoints.OfCategories(category => GeneralCategories.ShortName(category).StartsWith(name, StringComparison.Ordinal));
        if (name.Length is 0 or > 2 || set.IsEmpty) throw Problem($"'{name}' is not a general category of Unicode, such as L, Lu or Nd");
        return negated ? set.Complement() : set;
    }

    /// <summary>A first half of a pair takes its second half with it.</summary>
    private int Utf16(int unit)
    {
        if (!char.IsSurrogate((char)unit)) return unit;
        if (!char.IsHighSurrogate((char)unit) || !Take('\\') || !Take('u')) throw Problem("a surrogate stands alone");
        var second = Hexadecimal(4);
        return char.IsLowSurrogate((char)second) ? char.ConvertToUtf32((char)unit, (char)second)
            : throw Problem("a surrogate stands alone");
    }

    private int Hexadecimal(int digits)
    {
        if (digits is < 1 or > 6 || _at + digits > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value > CodePoints.Last)
        {
            throw Problem("an escape needs hexadecimal digits of a character");
        }
        _at += digits;
        return value;
    }

    private bool Take(char wanted)
    {
        if (_at >= _pattern.Length || _pattern[_at] != wanted) return false;
        _at++;
        return true;
    }

    private UserErrorException Problem(string what) => new(
        $"The pattern '{ShownName.Of(_pattern)}' is not understood at character {Math.Min(_at, _pattern.Length) + 1}: {what}.");
}
