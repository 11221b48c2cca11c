namespace Dolmen.Templates;

/// <summary>Cuts a template into tokens. As transformers sets Jinja up, a line break after a block goes (trim_blocks) and so does the
/// indentation before one (lstrip_blocks); a minus sign takes all white space away, a plus sign keeps it.</summary>
internal sealed class Lexer
{
    private static readonly string[] Operators =
    [
        "//",
        "**",
        "==",
        "!=",
        ">=",
        "<=",
        "+",
        "-",
        "/",
        "*",
        "%",
        "~",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ">",
        "<",
        "=",
        ".",
        ":",
        "|",
        ",",
        ";",
    ];

    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _open = [];
    private int _at, _line = 1;

    /// <summary>What was read last ended a line: white space at the beginning of the next text is indentation.</summary>
    private bool _lineStarts = true;

    private Lexer(string source)
    {
        _source = source.ReplaceLineEndings("\n");
        if (_source.EndsWith('\n')) _source = _source[..^1];
    }

    /// <exception cref="TemplateException">Something does not end, or is not a token.</exception>
    public static List<Token> Read(string source)
    {
        var lexer = new Lexer(source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_at < _source.Length)
        {
            var begin = _at;
            while ((begin = _source.IndexOf('{', begin)) >= 0 && !(begin + 1 < _source.Length && _source[begin + 1] is '{' or '%' or '#'))
                begin++;
            if (begin < 0)
            {
                Add(TokenKind.Data, _source[_at..]);
                _at = _source.Length;
                break;
            }
            var kind = _source[begin + 1];
            var sign = begin + 2 < _source.Length && _source[begin + 2] is '-' or '+' ? _source[begin + 2] : '\0';
            AddData(_source[_at..begin], sign, kind != '{');
            _at = begin + (sign == '\0' ? 2 : 3);
            _lineStarts = false;
            if (kind == '#') Comment();
            else if (kind == '%' && AtWord("raw") is { } raw) Raw(raw);
            else Tag(kind == '{');
        }
        Add(TokenKind.End, "");
    }

    private void AddData(string data, char sign, bool mayStrip)
    {
        var kept = data;
        if (sign == '-')
        {
            kept = data.TrimEnd(White);
        }
        else if (sign != '+' && mayStrip)
        {
            var lineStart = data.LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _lineStarts) && data.AsSpan(lineStart).Trim(White).IsEmpty) kept = data[..lineStart];
        }
        if (kept.Length > 0) Add(TokenKind.Data, kept);
        _line += data.AsSpan().Count('\n');
    }

    /// <summary>What Python's \s matches.</summary>
    internal static readonly char[] White = [.. Enumerable.Range(0, 0x3001).Select(value => (char)value)
        .Where(c => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f')];

    private void Comment()
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw new TemplateException("the comment that begins here never ends: '#}' is missing", _line);
        // A sign belongs to the end unless it is the one that stands at the beginning.
        var sign = end > _at ? _source[end - 1] : '\0';
        MoveTo(end + 2);
        AfterBlock(sign);
    }

    private void Raw(int begin)
    {
        var line = _line;
        MoveTo(begin);
        for (var from = _at; (from = _source.IndexOf("{%", from, StringComparison.Ordinal)) >= 0; from += 2)
        {
            var sign = from + 2 < _source.Length && _source[from + 2] is '-' or '+' ? _source[from + 2] : '\0';
            var here = _at;
            _at = from + (sign == '\0' ? 2 : 3);
            var end = AtWord("endraw", out var endSign);
            _at = here;
            if (end is not { } after) continue;
            AddData(_source[_at..from], sign, mayStrip: true);
            _line += _source.AsSpan(from, after - from).Count('\n');
            _at = after;
            AfterBlock(endSign);
            return;
        }
        throw new TemplateException("the raw block that begins here never ends: '{% endraw %}' is missing", line);
    }

    private int? AtWord(string word)
    {
        if (AtWord(word, out var sign) is not { } end || sign == '+') return null;
        // A raw block's beginning swallows what follows only where a minus sign says so.
        if (sign == '-') while (end < _source.Length && IsWhite(_source[end])) end++;
        _lineStarts = _source[end - 1] == '\n';
        return end;
    }

    /// <summary>Where the block ends if this word is all it holds.</summary>
    private int? AtWord(string word, out char sign)
    {
        sign = '\0';
        var at = _at;
        while (at < _source.Length && IsWhite(_source[at])) at++;
        if (!_source.AsSpan(at).StartsWith(word, StringComparison.Ordinal)) return null;
        at += word.Length;
        while (at < _source.Length && IsWhite(_source[at])) at++;
        if (at < _source.Length && _source[at] is '-' or '+') sign = _source[at++];
        return _source.AsSpan(at).StartsWith("%}", StringComparison.Ordinal) ? at + 2 : null;
    }

    private void Tag(bool variable)
    {
        Add(variable ? TokenKind.VariableBegin : TokenKind.BlockBegin, "");
        var (line, end) = (_line, variable ? "}}" : "%}");
        while (true)
        {
            while (_at < _source.Length && IsWhite(_source[_at])) MoveTo(_at + 1);
            if (_at == _source.Length)
                throw new TemplateException($"the tag that begins here never ends: '{end}' is missing", line);
            if (_open.Count == 0)
            {
                var sign = _source[_at] is '-' || (_source[_at] is '+' && !variable) ? _source[_at] : '\0';
                if (_source.AsSpan(_at + (sign == '\0' ? 0 : 1)).StartsWith(end, StringComparison.Ordinal))
                {
                    Add(variable ? TokenKind.VariableEnd : TokenKind.BlockEnd, "");
                    _at += sign == '\0' ? 2 : 3;
                    if (variable && sign == '\0') _lineStarts = false;
                    else AfterBlock(sign);
                    return;
                }
            }
            ReadToken();
        }
    }

    /// <summary>White space that goes along with a tag's end.</summary>
    private void AfterBlock(char sign)
    {
        var from = _at;
        if (sign == '-') while (_at < _source.Length && IsWhite(_source[_at])) _at++;
        else if (sign != '+' && _at < _source.Length && _source[_at] == '\n') _at++;
        _line += _source.AsSpan(from, _at - from).Count('\n');
        _lineStarts = _source[_at - 1] == '\n';
    }

    private void ReadToken()
    {
        var first = _source[_at];
        if (char.IsAsciiDigit(first))
        {
            var (length, isFloat) = NumberLiteral.Measure(_source.AsSpan(_at));
            Take(isFloat ? TokenKind.Float : TokenKind.Integer, length);
        }
        else if (first == '_' || char.IsLetter(first))
        {
            var end = _at + 1;
            while (end < _source.Length && (_source[end] == '_' || char.IsLetterOrDigit(_source[end]))) end++;
            Take(TokenKind.Name, end - _at);
        }
        else if (first is '"' or '\'')
        {
            var end = _at + 1;
            while (end < _source.Length && _source[end] != first) end += _source[end] == '\\' ? 2 : 1;
            if (end >= _source.Length) throw new TemplateException($"the string that begins here never ends: {first} is missing", _line);
            Add(TokenKind.String, StringLiteral.Read(_source.AsSpan(_at + 1, end - _at - 1), _line));
            MoveTo(end + 1);
        }
        else
        {
            var found = Array.Find(Operators, one => _source.AsSpan(_at).StartsWith(one, StringComparison.Ordinal))
                ?? throw new TemplateException($"the character '{first}' means nothing here", _line);
            Balance(found[0]);
            Take(TokenKind.Operator, found.Length);
        }
    }

    private void Balance(char sign)
    {
        if (sign is '(' or '[' or '{')
            _open.Push(sign == '(' ? ')' : (char)(sign + 2));
        if (sign is not (')' or ']' or '}'))
            return;
        if (_open.Count == 0)
            throw new TemplateException($"'{sign}' closes what was never opened", _line);
        if (_open.Pop() is var expected && expected != sign)
            throw new TemplateException($"'{sign}' stands where '{expected}' must be", _line);
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _source.Substring(_at, length));
        _at += length;
    }

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, _line));

    private void MoveTo(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    internal static bool IsWhite(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';
}
