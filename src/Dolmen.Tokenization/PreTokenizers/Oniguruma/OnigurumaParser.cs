using Dolmen.Artifacts;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>A part of the pattern as .NET's engine reads it: its text, or else the number of a set of characters.</summary>
internal readonly record struct PatternPart(string? Text, int Set);

internal sealed record ParsedPattern(IReadOnlyList<PatternPart> Parts, IReadOnlyList<CodePointSet> Sets);

/// <summary>Reads Oniguruma's own syntax (its doc/RE of version 6.9.11) into parts that .NET's engine understands.</summary>
internal sealed partial class OnigurumaParser
{
    /// <summary>Groups and classes within one another.</summary>
    private const int MostNested = 200;

    private const int MostRepeats = 100_000;

    private readonly string _pattern;
    private readonly List<PatternPart> _parts = [];
    private readonly List<CodePointSet> _sets = [];
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
    private int _at;
    private int _depth;

    /// <param name="IgnoreCase">i</param>
    /// <param name="DotAll">m: the dot matches a line break as well.</param>
    /// <param name="Extended">x: white space and comments in the pattern do not count.</param>
    private readonly record struct Options(bool IgnoreCase, bool DotAll, bool Extended);

    private OnigurumaParser(string pattern) => _pattern = pattern;

    /// <exception cref="UserErrorException">Not a pattern of Oniguruma's, or one that is not understood.</exception>
    public static ParsedPattern Parse(string pattern)
    {
        var parser = new OnigurumaParser(pattern);
        parser.Alternatives(default);
        if (parser._at < pattern.Length) throw parser.Error("has a ')' without a '(' before it");
        return new ParsedPattern(parser._parts, parser._sets);
    }

    private bool AtEnd => _at >= _pattern.Length;

    private UserErrorException Error(string what) =>
        new($"The pattern {_pattern} {what} (at character {_at + 1}): patterns are read in Oniguruma's syntax.");

    private UserErrorException Unread(string what) =>
        new($"The pattern {_pattern} has {what} at character {_at + 1}, which Dolmen does not read. " +
            "Write the pattern without it, or use a tokenizer that does not need it.");

    private bool Take(string text)
    {
        if (string.CompareOrdinal(_pattern, _at, text, 0, text.Length) != 0) return false;
        _at += text.Length;
        return true;
    }

    private void Add(string text) => _parts.Add(new PatternPart(text, -1));

    private void Add(CodePointSet set)
    {
        var key = set.ToString();
        if (!_known.TryGetValue(key, out var index))
        {
            index = _known[key] = _sets.Count;
            _sets.Add(set);
        }
        _parts.Add(new PatternPart(null, index));
    }

    /// <summary>Up to the end or a ')'.</summary>
    private void Alternatives(Options options)
    {
        if (++_depth > MostNested) throw Unread($"groups more than {MostNested} deep");
        Sequence(ref options);
        while (Take("|"))
        {
            Add("|");
            Sequence(ref options);
        }
        _depth--;
    }

    private void Sequence(ref Options options)
    {
        while (!AtEnd && _pattern[_at] is not ('|' or ')'))
        {
            if (options.Extended && SkipExtended()) continue;
            var first = _parts.Count;
            if (Atom(options) is not { } repeatable) continue;
            while (Quantifier(first, repeatable, options)) repeatable = true;
        }
    }

    private bool SkipExtended()
    {
        if (char.IsAsciiDigit(_pattern[_at]) || _pattern[_at] is not (' ' or '\t' or '\n' or '\v' or '\f' or '\r' or '#')) return false;
        if (_pattern[_at] == '#')
            while (!AtEnd && _pattern[_at] != '\n') _at++;
        else _at++;
        return true;
    }

    /// <summary>Whether it may be repeated; null where it is nothing to match.</summary>
    private bool? Atom(Options options)
    {
        switch (_pattern[_at])
        {
            case '(':
                _at++;
                return Group(options);
            case '[':
                _at++;
                var negated = !AtEnd && _pattern[_at] == '^';
                var set = Class(options.IgnoreCase);
                if (options.IgnoreCase && !negated) AddFolded(set);
                else Add(set);
                return true;
            case '.':
                _at++;
                Add(options.DotAll ? CodePointSet.All : CodePointSet.Of('\n').Not());
                return true;
            case '^':
                _at++;
                Add("(?:\\A|(?<=");
                Add(CodePointSet.Of('\n'));
                Add(")(?!\\z))");
                return false;
            case '$':
                _at++;
                Add("(?=");
                Add(CodePointSet.Of('\n'));
                Add("|\\z)");
                return false;
            case '\\':
                return Escape(options);
            case '*' or '+' or '?':
                throw Error($"repeats nothing with '{_pattern[_at]}'");
            case '{' when Interval(_at) is not null:
                throw Error("repeats nothing with '{'");
            default:
                if (!System.Text.Rune.TryGetRuneAt(_pattern, _at, out var rune)) throw Error("has half a surrogate pair");
                Literal(rune.Value, rune.Utf16SequenceLength, options);
                return true;
        }
    }

    /// <summary>A character that stands for itself, and where case is ignored for what is the same.</summary>
    private void Literal(int codePoint, int width, Options options)
    {
        if (!options.IgnoreCase)
        {
            _at += width;
            Add(CodePointSet.Of(codePoint));
            return;
        }
        foreach (var (letters, characters) in CaseFolds.Multiple)
        {
            if (string.Compare(_pattern, _at, letters, 0, letters.Length, StringComparison.OrdinalIgnoreCase) != 0) continue;
            if (IsRepeated(_at + letters.Length)) continue;
            _at += letters.Length;
            Add("(?:");
            Add(CodePointSet.Of(characters));
            Add("|");
            foreach (var letter in letters) Add(CaseFolds.Close(CodePointSet.Of(letter)));
            Add(")");
            return;
        }
        _at += width;
        AddFolded(CaseFolds.Close(CodePointSet.Of(codePoint)));
    }

    private bool IsRepeated(int at) =>
        at < _pattern.Length && (_pattern[at] is '*' or '+' or '?' || (_pattern[at] == '{' && Interval(at) is not null));

    /// <summary>A set where case is ignored: ligatures in it are matched by their letters as well.</summary>
    private void AddFolded(CodePointSet set)
    {
        var multiple = CaseFolds.Multiple
            .Where(fold => fold.Characters.Any(one => set.Contains(one)) && !set.Contains(fold.Letters[0])).ToArray();
        if (multiple.Length == 0)
        {
            Add(set);
            return;
        }
        Add("(?:");
        Add(set);
        foreach (var (letters, _) in multiple)
        {
            Add("|");
            foreach (var letter in letters) Add(CaseFolds.Close(CodePointSet.Of(letter)));
        }
        Add(")");
    }

    private bool? Group(Options options)
    {
        if (!Take("?"))
        {
            if (!AtEnd && _pattern[_at] == '*') throw Unread("a callout (*…)");
            return Body("(?:", options);
        }
        if (Take("#"))
        {
            while (!AtEnd && _pattern[_at] != ')') _at += _pattern[_at] == '\\' ? 2 : 1;
            return Take(")") ? null : throw Error("has a comment (?# that does not end");
        }
        if (Take(":")) return Body("(?:", options);
        if (Take("=")) return Around("(?=", options);
        if (Take("!")) return Around("(?!", options);
        if (Take(">")) return Body("(?>", options);
        if (Take("<=")) return Around("(?<=", options);
        if (Take("<!")) return Around("(?<!", options);
        if (Take("~")) throw Unread("an absent operator (?~…)");
        if (Take("{")) throw Unread("a callout (?{…})");
        if (Take("(")) throw Unread("a condition (?(…)…)");
        if (Take("<") || Take("'"))
        {
            var close = _pattern.IndexOf(_pattern[_at - 1] == '<' ? '>' : '\'', _at);
            if (close <= _at) throw Error("has a group whose name is empty or does not end");
            _at = close + 1;
            return Body("(?:", options);
        }
        return Switch(options);
    }

    /// <summary>(?i), which holds to the end of the group, or (?i:…).</summary>
    private bool? Switch(Options options)
    {
        var on = true;
        for (; !AtEnd && _pattern[_at] is not (')' or ':'); _at++)
        {
            options = _pattern[_at] switch
            {
                'i' => options with { IgnoreCase = on },
                'm' => options with { DotAll = on },
                'x' => options with { Extended = on },
                '-' => options,
                'W' or 'D' or 'S' or 'P' or 'y' or 'C' or 'I' or 'L' => throw Unread($"the option (?{_pattern[_at]}"),
                var other => throw Error($"has the option '{other}', which there is not: i, m and x are"),
            };
            if (_pattern[_at] == '-') on = false;
        }
        if (Take(":")) return Body("(?:", options);
        if (!Take(")")) throw Error("has a '(?' that does not end");
        // To the end of the group that it stands in, alternatives included.
        Add("(?:");
        Alternatives(options);
        Add(")");
        return null;
    }

    private bool? Around(string open, Options options)
    {
        Body(open, options);
        return false;
    }

    private bool? Body(string open, Options options)
    {
        Add(open);
        Alternatives(options);
        if (!Take(")")) throw Error("has a '(' without a ')'");
        Add(")");
        return true;
    }

    /// <summary>Repeats what was added from <paramref name="first"/> on; false where nothing is to be repeated.</summary>
    private bool Quantifier(int first, bool repeatable, Options options)
    {
        while (options.Extended && !AtEnd && SkipExtended())
        {
        }
        if (AtEnd) return false;
        string? text = _pattern[_at] switch { '*' => "*", '+' => "+", '?' => "?", _ => null };
        var (possessive, lazy) = (false, false);
        if (text is not null)
        {
            _at++;
            if (Take("?")) lazy = true;
            else possessive = Take("+");
        }
        else if (_pattern[_at] == '{' && Interval(_at) is var (least, most, end, one))
        {
            _at = end;
            possessive = most is { } upper && upper < least;
            if (possessive) (least, most) = (most.GetValueOrDefault(), least);
            if (Math.Max(least, most ?? 0) > MostRepeats) throw Error($"repeats more than {MostRepeats} times");
            text = $"{{{least},{most}}}";
            lazy = !one && !possessive && Take("?");                     // {n}? is {n} or nothing
        }
        else return false;
        if (!repeatable) throw Error("repeats what cannot match a character");
        _parts.Insert(first, new PatternPart(possessive ? "(?>(?:" : "(?:", -1));
        Add($"){text}{(lazy ? "?" : "")}{(possessive ? ")" : "")}");
        return true;
    }

    /// <summary>{n}, {n,}, {,n} or {n,m}; null where the brace stands for itself.</summary>
    private (int Least, int? Most, int End, bool One)? Interval(int at)
    {
        var end = at + 1;
        var least = Digits(ref end);
        if (end < _pattern.Length && _pattern[end] == '}') return least is { } count ? (count, count, end + 1, true) : null;
        if (end >= _pattern.Length || _pattern[end] != ',') return null;
        end++;
        var most = Digits(ref end);
        if (end >= _pattern.Length || _pattern[end] != '}' || (least is null && most is null)) return null;
        return (least ?? 0, most, end + 1, false);
    }

    private int? Digits(ref int at)
    {
        var start = at;
        while (at < _pattern.Length && char.IsAsciiDigit(_pattern[at])) at++;
        if (at == start) return null;
        return int.TryParse(_pattern.AsSpan(start, at - start), out var value) ? value : int.MaxValue;
    }
}
