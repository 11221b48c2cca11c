using System.Globalization;
using System.Text;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>Escapes and classes of characters.</summary>
internal sealed partial class OnigurumaParser
{
    private static readonly CodePointSet NewLine = CodePointSet.Of('\n');

    /// <summary>Outside of a class.</summary>
    private bool? Escape(Options options)
    {
        if (_at + 1 >= _pattern.Length) throw Error("ends in a '\\'");
        switch (_pattern[_at + 1])
        {
            case 'A' or 'z' or 'G':
                Add(_pattern.Substring(_at, 2));
                _at += 2;
                return false;
            case 'Z':
                _at += 2;
                Add("(?=");
                Add(NewLine);
                Add("?\\z)");
                return false;
            case 'b' or 'B':
                Boundary(_pattern[_at + 1] == 'b');
                _at += 2;
                return false;
            case 'R':
                _at += 2;
                Add("(?>");
                Add(CodePointSet.Of('\r'));
                Add(NewLine);
                Add("|");
                Add(CodePointSet.Of("\n\v\f\r\u0085\u2028\u2029"));
                Add(")");
                return true;
            case 'N':
                _at += 2;
                Add(NewLine.Not());
                return true;
            case 'O':
                _at += 2;
                Add(CodePointSet.All);
                return true;
            case 'w' or 'W':
                Add(_pattern[_at + 1] == 'w' ? UnicodeProperties.Word : UnicodeProperties.Word.Not());
                _at += 2;
                return true;
            case 'X' or 'y' or 'Y':
                throw Unread($"a boundary of text segments (\\{_pattern[_at + 1]})");
            case 'K':
                throw Unread("\\K, which keeps what is before it out of the match,");
            case 'k' or (>= '1' and <= '9') when IsBackReference():
                throw Unread("a back reference to what a group matched");
            case 'g':
                throw Unread("a call of a group (\\g)");
        }
        if (SetEscape(out var negated) is { } set)
        {
            if (options.IgnoreCase) set = CaseFolds.Close(set);
            Add(negated ? set.Not() : set);
            return true;
        }
        var start = _at;
        var codePoint = CharacterEscape();
        if (options.IgnoreCase)
        {
            AddFolded(CaseFolds.Close(CodePointSet.Of(codePoint)));
            return _at > start;
        }
        Add(CodePointSet.Of(codePoint));
        return true;
    }

    /// <summary>Two digits and more are an octal number where so many groups are not there, and groups are not counted here.</summary>
    private bool IsBackReference() => _pattern[_at + 1] == 'k' || _at + 2 >= _pattern.Length || !char.IsAsciiDigit(_pattern[_at + 2]);

    private void Boundary(bool at)
    {
        var word = UnicodeProperties.Word;
        ReadOnlySpan<string> parts = at
            ? ["(?:(?<=", ")(?!", ")|(?<!", ")(?=", "))"]
            : ["(?:(?<=", ")(?=", ")|(?<!", ")(?!", "))"];
        foreach (var part in parts)
        {
            Add(part);
            if (part != "))") Add(word);
        }
    }

    /// <summary>What a class matches, behind its '['; a negated class is the complement of all in it.</summary>
    private CodePointSet Class(bool ignoreCase)
    {
        if (++_depth > MostNested) throw Unread($"classes more than {MostNested} deep");
        var negated = Take("^");
        CodePointSet? both = null;                                       // what stands before &&
        var (set, start, empty) = (CodePointSet.Empty, _at, true);
        while (true)
        {
            if (AtEnd) throw Error("has a class '[' without a ']'");
            if (_pattern[_at] == ']' && (!empty || _at > start))
            {
                _at++;
                break;
            }
            if (_pattern[_at] == ']' && _pattern.IndexOf(']', _at + 1) < 0) throw Error("has an empty class");
            if (Take("&&"))
            {
                both = both is null ? set : both.And(set);
                (set, start, empty) = (CodePointSet.Empty, _at, false);
                continue;
            }
            set = set.Or(Member());
            empty = false;
        }
        _depth--;
        if (both is not null) set = both.And(set);
        if (ignoreCase) set = CaseFolds.Close(set);
        return negated ? set.Not() : set;
    }

    /// <summary>A class within the class, a property, a character or a range of them.</summary>
    private CodePointSet Member()
    {
        if (_pattern[_at] == '[')
        {
            if (PosixBracket() is { } posix) return posix;
            _at++;
            return Class(ignoreCase: false);
        }
        if (_pattern[_at] == '\\')
        {
            if (_at + 1 >= _pattern.Length) throw Error("ends in a '\\'");
            if (_pattern[_at + 1] is 'R' or 'X') throw Error($"has \\{_pattern[_at + 1]} within a class");
            if (SetEscape(out var negated) is { } set)
            {
                if (!AtEnd && _pattern[_at] == '-' && _at + 1 < _pattern.Length && _pattern[_at + 1] is not (']' or '-' or '[' or '&'))
                    throw Error("has a '-' behind a set of characters within a class: write it as '\\-'");
                return negated ? set.Not() : set;
            }
        }
        var first = ClassCharacter();
        if (_at + 1 >= _pattern.Length || _pattern[_at] != '-' || _pattern[_at + 1] == ']') return CodePointSet.Of(first);
        if (_pattern[_at + 1] == '[' || string.CompareOrdinal(_pattern, _at + 1, "&&", 0, 2) == 0) return CodePointSet.Of(first);
        _at++;
        if (_pattern[_at] == '\\' && IsSetEscape(_at)) throw Error("has a range that ends in a set of characters");
        var last = ClassCharacter();
        return first <= last ? CodePointSet.Range(first, last) : throw Error("has a range whose last character comes before its first");
    }

    private int ClassCharacter()
    {
        if (_pattern[_at] != '\\')
        {
            if (!Rune.TryGetRuneAt(_pattern, _at, out var rune)) throw Error("has half a surrogate pair");
            _at += rune.Utf16SequenceLength;
            return rune.Value;
        }
        if (_at + 1 < _pattern.Length && _pattern[_at + 1] == 'b')
        {
            _at += 2;
            return '\b';
        }
        return CharacterEscape();
    }

    /// <summary>[:alpha:]; null where the bracket opens a class.</summary>
    private CodePointSet? PosixBracket()
    {
        if (!_pattern.AsSpan(_at).StartsWith("[:")) return null;
        var close = _pattern.IndexOf(":]", _at + 2, StringComparison.Ordinal);
        if (close < 0 || !_pattern.AsSpan(_at + 2, close - _at - 2).TrimStart('^').ToString().All(char.IsAsciiLetter)) return null;
        var negated = _pattern[_at + 2] == '^';
        var name = _pattern[(_at + (negated ? 3 : 2))..close];
        var set = UnicodeProperties.Posix(name) ?? throw Error($"has [:{name}:], which is not a class of POSIX");
        _at = close + 2;
        return negated ? set.Not() : set;
    }

    private bool IsSetEscape(int at) => at + 1 < _pattern.Length && "wWdDsShHpP".Contains(_pattern[at + 1], StringComparison.Ordinal);

    /// <summary>\d and the like, and properties; null where the escape is a character.</summary>
    private CodePointSet? SetEscape(out bool negated)
    {
        negated = false;
        if (!IsSetEscape(_at)) return null;
        var letter = _pattern[_at + 1];
        if (letter is 'p' or 'P') return Property(out negated);
        _at += 2;
        negated = char.IsAsciiLetterUpper(letter);
        return char.ToLowerInvariant(letter) switch
        {
            'w' => UnicodeProperties.WordInClass,
            'd' => UnicodeProperties.Digit,
            's' => UnicodeProperties.WhiteSpace,
            _ => UnicodeProperties.HexDigit,
        };
    }

    private CodePointSet? Property(out bool negated)
    {
        negated = _pattern[_at + 1] == 'P';
        _at += 2;
        if (AtEnd) throw Error("ends in a property without a name");
        string name;
        if (_pattern[_at] == '{')
        {
            var close = _pattern.IndexOf('}', _at);
            if (close < 0) throw Error("has a property whose '}' is missing");
            name = _pattern[(_at + 1)..close];
            _at = close + 1;
            if (name.StartsWith('^'))
            {
                negated = !negated;
                name = name[1..];
            }
        }
        else name = _pattern[_at++].ToString();
        return UnicodeProperties.Find(name) ?? throw Error(
            $"names the property '{name}', which Dolmen does not know: general categories, scripts and the classes of POSIX are known");
    }

    /// <summary>An escape that is one character.</summary>
    private int CharacterEscape()
    {
        var letter = _pattern[_at + 1];
        _at += 2;
        switch (letter)
        {
            case 't': return '\t';
            case 'n': return '\n';
            case 'v': return '\v';
            case 'f': return '\f';
            case 'r': return '\r';
            case 'a': return '\a';
            case 'e': return '\e';
            case 'x' when Take("{"): return Braced(NumberStyles.HexNumber);
            case 'x': return Ascii(Number(16, 2));
            case 'u': return Number(16, 4, exact: true);
            case 'o' when Take("{"): return Braced(NumberStyles.None);
            case >= '0' and <= '7':
                _at--;
                return Ascii(Number(8, 3));
            case 'c' or 'C' or 'M':
                return Control(letter);
            default:
                if (!Rune.TryGetRuneAt(_pattern, _at - 1, out var rune)) throw Error("has half a surrogate pair");
                _at += rune.Utf16SequenceLength - 1;
                return rune.Value;
        }
    }

    private int Control(char letter)
    {
        if (letter == 'M' || (letter == 'C' && !Take("-")) || AtEnd || _pattern[_at] is '\\')
            throw Unread($"a control character (\\{letter})");
        var control = _pattern[_at++];
        return control == '?' ? 127 : control & 0x9F;
    }

    /// <summary>Bytes of a character, which two of these escapes in a row would be, are not put together.</summary>
    private int Ascii(int value) =>
        value < 128 ? value : throw Unread($"the byte 0x{value:X2} (write the character itself, or \\x{{…}})");

    private int Number(int radix, int most, bool exact = false)
    {
        var (value, start) = (0, _at);
        while (!AtEnd && _at - start < most && Digit(_pattern[_at]) is var digit && digit < radix)
        {
            value = value * radix + digit;
            _at++;
        }
        if (exact && _at - start < most) throw Error($"has a number of fewer than {most} digits");
        return value < CodePointSet.End ? value : throw Error("names a character beyond U+10FFFF");
    }

    private static int Digit(char letter) => char.IsAsciiHexDigit(letter) ? Convert.ToInt32(letter.ToString(), 16) : int.MaxValue;

    private int Braced(NumberStyles style)
    {
        var close = _pattern.IndexOf('}', _at);
        if (close < 0) throw Error("has a number whose '}' is missing");
        var digits = _pattern[_at..close].Trim();
        if (digits.AsSpan().ContainsAny(' ', '-')) throw Unread("a sequence of numbers in \\x{…}");
        try
        {
            var value = Convert.ToInt32(digits, style == NumberStyles.HexNumber ? 16 : 8);
            if (value is < 0 or >= CodePointSet.End) throw Error("names a character beyond U+10FFFF");
            _at = close + 1;
            return value;
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            throw Error($"has the number '{digits}'");
        }
    }
}
