using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>Reads grammars in llama.cpp's GBNF (its <c>grammars/README.md</c>): <c>name ::= …</c>, alternatives, strings, character
/// classes, groups, <c>* + ?</c> and counts in braces, comments from <c>#</c>.</summary>
internal sealed class GbnfReader
{
    public const string Root = "root";

    private const int MaxLength = 200_000, MaxDepth = 200, MaxRepeats = 10_000;

    private const string HalfPair = "it holds half a surrogate pair";

    private readonly string _text;
    private int _at;
    private int _depth;

    private GbnfReader(string text) => _text = text;

    /// <exception cref="UserErrorException">The grammar is not understood; the message says in which line.</exception>
    public static Dictionary<string, Expression> Read(string grammar) => new GbnfReader(grammar).Rules();

    private Dictionary<string, Expression> Rules()
    {
        if (_text.Length > MaxLength) throw Problem($"it has {_text.Length} characters and at most {MaxLength} are read");
        var rules = new Dictionary<string, Expression>(StringComparer.Ordinal);
        for (Skip(lines: true); _at < _text.Length; Skip(lines: true))
        {
            var name = Name();
            Skip(lines: true);
            if (!Take("::=")) throw Problem($"'::=' must follow the name '{name}'");
            Skip(lines: true);
            if (!rules.TryAdd(name, Alternatives(nested: false))) throw Problem($"the rule '{name}' is defined twice");
            if (_at < _text.Length && _text[_at] is not ('\n' or '\r'))
                throw Problem(Rune.TryGetRuneAt(_text, _at, out var rune) ? $"'{rune}' is not expected here" : HalfPair);
        }
        return rules.ContainsKey(Root) ? rules
            : throw new UserErrorException($"The grammar has no rule named '{Root}': that rule is the text.");
    }

    private Expression Alternatives(bool nested)
    {
        if (++_depth > MaxDepth) throw Problem($"groups lie more than {MaxDepth} deep");
        var options = new List<Expression> { Sequence(nested) };
        while (TakeBar())
        {
            Skip(lines: true);
            options.Add(Sequence(nested));
        }
        _depth--;
        return options.Count == 1 ? options[0] : new Expression.Choice(options);
    }

    /// <summary>A line that begins with a bar goes on with the rule above.</summary>
    private bool TakeBar()
    {
        var before = _at;
        Skip(lines: true);
        if (Take("|")) return true;
        _at = before;
        return false;
    }

    private Expression.Sequence Sequence(bool nested)
    {
        var parts = new List<Expression>();
        while (Part(nested) is { } part)
        {
            parts.Add(Repeated(part, nested));
            Skip(nested);
        }
        return new Expression.Sequence(parts);
    }

    /// <summary>Null where the sequence ends.</summary>
    private Expression? Part(bool nested)
    {
        if (_at >= _text.Length) return null;
        var next = _text[_at];
        if (next == '"')
        {
            _at++;
            var text = new StringBuilder();
            while (!Take("\"")) text.Append(Character("a string"));
            return Expression.Text(text.ToString());
        }
        if (next == '[')
        {
            _at++;
            return new Expression.Characters(Class());
        }
        if (next == '(')
        {
            _at++;
            Skip(lines: true);
            var inner = Alternatives(nested: true);
            Skip(lines: true);
            return Take(")") ? inner : throw Problem("a '(' is not closed");
        }
        if (next == '.')
        {
            _at++;
            return new Expression.Characters(CodePoints.All);
        }
        return IsNamePart(next) && !BeginsRule(nested) ? new Expression.Call(Name()) : null;
    }

    /// <summary>Within a group lines may break anywhere, and a rule cannot begin there.</summary>
    private bool BeginsRule(bool nested)
    {
        if (nested) return false;
        var at = _at;
        while (at < _text.Length && IsNamePart(_text[at])) at++;
        while (at < _text.Length && _text[at] is ' ' or '\t') at++;
        return _text.AsSpan(at).StartsWith("::=");
    }

    private Expression Repeated(Expression part, bool nested)
    {
        while (true)
        {
            Skip(nested);
            if (Take("*")) part = new Expression.Repetition(part, 0, null);
            else if (Take("+")) part = new Expression.Repetition(part, 1, null);
            else if (Take("?")) part = Expression.Optional(part);
            else if (Take("{"))
            {
                Skip(lines: true);
                var least = Number();
                int? most = least;
                Skip(lines: true);
                if (Take(","))
                {
                    Skip(lines: true);
                    most = _at < _text.Length && char.IsAsciiDigit(_text[_at]) ? Number() : null;
                    Skip(lines: true);
                }
                if (!Take("}")) throw Problem("a '{' is not closed");
                if (most < least) throw Problem($"{{{least},{most}}} asks for more than it allows");
                part = new Expression.Repetition(part, least, most);
            }
            else return part;
        }
    }

    private int Number()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        return int.TryParse(_text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value <= MaxRepeats
            ? value : throw Problem($"a number of repetitions must be between 0 and {MaxRepeats}");
    }

    /// <summary>After <c>[</c>, up to and with the closing bracket.</summary>
    private CodePoints Class()
    {
        var (negated, ranges) = (Take("^"), new List<(int Low, int High)>());
        while (!Take("]"))
        {
            var low = Character("a class").Value;
            var high = low;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                high = Character("a class").Value;
                if (high < low) throw Problem("a range ends before it begins");
            }
            ranges.Add((low, high));
        }
        var set = CodePoints.Of(ranges);
        return negated ? set.Complement() : set;
    }

    private Rune Character(string where)
    {
        if (_at >= _text.Length) throw Problem($"{where} is not closed");
        if (!Rune.TryGetRuneAt(_text, _at, out var rune)) throw Problem(HalfPair);
        if (rune.Value is '\n' or '\r') throw Problem($"{where} is not closed in its line");
        _at += rune.Utf16SequenceLength;
        if (rune.Value != '\\') return rune;
        if (_at >= _text.Length) throw Problem("it ends with a backslash");
        var escaped = _text[_at++];
        return escaped switch
        {
            'x' => Hexadecimal(2),
            'u' => Hexadecimal(4),
            'U' => Hexadecimal(8),
            't' => new Rune('\t'),
            'r' => new Rune('\r'),
            'n' => new Rune('\n'),
            '\\' or '"' or '[' or ']' or '-' or '^' => new Rune(escaped),
            _ => throw Problem($"'\\{escaped}' is not a known escape"),
        };
    }

    private Rune Hexadecimal(int digits)
    {
        if (_at + digits > _text.Length
            || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || !Rune.TryCreate(value, out var rune))
        {
            throw Problem($"an escape needs {digits} hexadecimal digits of a character");
        }
        _at += digits;
        return rune;
    }

    private string Name()
    {
        var start = _at;
        while (_at < _text.Length && IsNamePart(_text[_at])) _at++;
        return _at > start ? _text[start.._at] : throw Problem("the name of a rule is expected, of letters, digits, '-' and '_'");
    }

    private static bool IsNamePart(char sign) => char.IsAsciiLetterOrDigit(sign) || sign is '-' or '_';

    private void Skip(bool lines)
    {
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '#')
            {
                while (_at < _text.Length && _text[_at] is not ('\n' or '\r')) _at++;
                _at--;
            }
            else if (_text[_at] is not (' ' or '\t') && !(lines && _text[_at] is '\n' or '\r')) return;
        }
    }

    private bool Take(string wanted)
    {
        if (!_text.AsSpan(_at).StartsWith(wanted)) return false;
        _at += wanted.Length;
        return true;
    }

    private UserErrorException Problem(string what)
    {
        var before = _text.AsSpan(0, Math.Min(_at, _text.Length));
        return new UserErrorException($"The grammar is not understood in line {before.Count('\n') + 1}: {what}.");
    }
}
