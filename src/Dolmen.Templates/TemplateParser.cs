namespace Dolmen.Templates;

/// <summary>Statements: text, values to print and the tags between {% and %}.</summary>
internal sealed class TemplateParser
{
    private static readonly string[] Tags = ["if", "for", "set", "macro", "call", "filter", "with", "generation", "block", "break",
        "continue", "raw", "print", "autoescape"];

    private readonly TokenReader _reader;
    private readonly ExpressionParser _expressions;

    private TemplateParser(string source)
    {
        _reader = new TokenReader(Lexer.Read(source));
        _expressions = new ExpressionParser(_reader);
    }

    /// <exception cref="TemplateException">It breaks Jinja's rules.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        var parser = new TemplateParser(source);
        return parser.Body(null, parser._reader.Current.Line);
    }

    /// <summary>Statements up to a tag of one of these names, which is left to be read; up to the template's end where there are
    /// none.</summary>
    private List<Statement> Body(string[]? ends, int line)
    {
        _reader.Enter();
        var statements = new List<Statement>();
        while (true)
        {
            var token = _reader.Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new Write(new Text(_reader.Next().Text), token.Line));
                    continue;
                case TokenKind.VariableBegin:
                    _reader.Next();
                    statements.Add(new Print(_expressions.ParseTuple(), token.Line));
                    _reader.Expect(TokenKind.VariableEnd);
                    continue;
                case TokenKind.BlockBegin:
                    _reader.Next();
                    if (_reader.Current.Kind == TokenKind.Name && ends?.Contains(_reader.Current.Text) == true) break;
                    statements.AddRange(Tag());
                    continue;
                default:
                    if (ends is null) break;
                    throw new TemplateException($"the block that begins here never ends: '{{% {ends[^1]} %}}' is missing", line);
            }
            _reader.Leave();
            return statements;
        }
    }

    /// <summary>A body and the tag that ends it.</summary>
    private List<Statement> Enclosed(string end, int line)
    {
        _reader.Expect(TokenKind.BlockEnd);
        var body = Body([end], line);
        _reader.Next();
        _reader.Expect(TokenKind.BlockEnd);
        return body;
    }

    private IEnumerable<Statement> Tag()
    {
        var line = _reader.Current.Line;
        var name = _reader.ExpectName("a tag's name");
        switch (name)
        {
            case "if": return [If(line)];
            case "for": return [For(line)];
            case "set": return [Set(line)];
            case "macro": return [Macro(line)];
            case "call": return [Call(line)];
            case "filter": return [Filter(line)];
            case "with": return [With(line)];
            case "generation": return [new Generation(OutsideLoop(() => Enclosed("endgeneration", line)), line)];
            case "break" or "continue":
                if (_reader.LoopDepth == 0) throw new TemplateException($"'{{% {name} %}}' stands outside a for loop", line);
                _reader.Expect(TokenKind.BlockEnd);
                return [new Leave(name == "break" ? Flow.Break : Flow.Continue, line)];
            case "print":
                var value = _expressions.ParseTuple();
                _reader.Expect(TokenKind.BlockEnd);
                return [new Print(value, line)];
            case "block":
                _reader.ExpectName("a block's name");
                return [new With([], OutsideLoop(() => Enclosed("endblock", line)), line)];
            case "autoescape":
                if (_reader.SkipName("true")) throw new TemplateException("autoescape is never on for chat templates", line);
                _reader.Next();
                return [new With([], Enclosed("endautoescape", line), line)];
            case "include" or "import" or "from" or "extends":
                throw new TemplateException($"'{{% {name} %}}' would read another file, which a chat template may not do", line);
            default:
                throw name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif"
                    ? new TemplateException($"'{{% {name} %}}' stands without the tag that it belongs to", line)
                    : TemplateException.Unknown("tag", name, Tags, line);
        }
    }

    /// <summary>What is written to a string first cannot leave the loop around it.</summary>
    private List<Statement> OutsideLoop(Func<List<Statement>> body)
    {
        var depth = _reader.LoopDepth;
        _reader.LoopDepth = 0;
        var statements = body();
        _reader.LoopDepth = depth;
        return statements;
    }

    private If If(int line)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        while (true)
        {
            var condition = _expressions.ParseTuple(withCondition: false);
            _reader.Expect(TokenKind.BlockEnd);
            branches.Add((condition, Body(["elif", "else", "endif"], line)));
            if (_reader.SkipName("elif")) continue;
            IReadOnlyList<Statement> otherwise = [];
            if (_reader.SkipName("else"))
            {
                otherwise = Enclosed("endif", line);
            }
            else
            {
                _reader.Next();
                _reader.Expect(TokenKind.BlockEnd);
            }
            return new If(branches, otherwise, line);
        }
    }

    private For For(int line)
    {
        var target = Targets(() => _reader.IsName("in"));
        if (!_reader.SkipName("in")) throw _reader.Error($"{_reader.Current} stands where 'in' must be");
        var items = _expressions.ParseTuple(withCondition: false, ends: () => _reader.IsName("recursive"));
        var condition = _reader.SkipName("if") ? _expressions.Parse() : null;
        if (_reader.IsName("recursive")) throw _reader.Error("recursive loops are not supported: use a macro that calls itself");
        _reader.Expect(TokenKind.BlockEnd);
        _reader.LoopDepth++;
        var body = Body(["else", "endfor"], line);
        _reader.LoopDepth--;
        IReadOnlyList<Statement> otherwise = [];
        if (_reader.SkipName("else"))
        {
            otherwise = Enclosed("endfor", line);
        }
        else
        {
            _reader.Next();
            _reader.Expect(TokenKind.BlockEnd);
        }
        return new For(target, items, condition, body, otherwise, line);
    }

    private Statement Set(int line)
    {
        var target = Targets(() => _reader.Is("="));
        if (_reader.Skip("="))
        {
            var value = _expressions.ParseTuple();
            _reader.Expect(TokenKind.BlockEnd);
            return new Set(target, value, line);
        }
        var filters = Filters();
        return new SetBlock(target, filters, OutsideLoop(() => Enclosed("endset", line)), line);
    }

    private FilterBlock Filter(int line)
    {
        var filters = new List<FilterCall> { _expressions.FilterOn(null, line) };
        filters.AddRange(Filters());
        return new FilterBlock(filters, OutsideLoop(() => Enclosed("endfilter", line)), line);
    }

    private List<FilterCall> Filters()
    {
        var filters = new List<FilterCall>();
        while (_reader.Skip("|")) filters.Add(_expressions.FilterOn(null, _reader.Current.Line));
        return filters;
    }

    private With With(int line)
    {
        var names = new List<(Target, Expression)>();
        while (_reader.Current.Kind != TokenKind.BlockEnd)
        {
            if (names.Count > 0) _reader.Expect(",");
            var target = Targets(() => _reader.Is("="), several: false);
            _reader.Expect("=");
            names.Add((target, _expressions.Parse()));
        }
        return new With(names, Enclosed("endwith", line), line);
    }

    private DefineMacro Macro(int line)
    {
        var name = _reader.ExpectName("a macro's name");
        return new DefineMacro(Definition(name, Parameters(), "endmacro", line), line);
    }

    private CallBlock Call(int line)
    {
        var parameters = _reader.Is("(") ? Parameters() : [];
        if (_expressions.Parse() is not Call call) throw new TemplateException("a call block must call a macro", line);
        return new CallBlock(call, Definition("caller", parameters, "endcall", line), line);
    }

    private MacroDefinition Definition(string name, List<(string, Expression?)> parameters, string end, int line)
    {
        var outer = _reader.Uses;
        _reader.Uses = new HashSet<string>(StringComparer.Ordinal);
        var body = OutsideLoop(() => Enclosed(end, line));
        var uses = _reader.Uses;
        _reader.Uses = outer;
        outer.UnionWith(uses);
        return new MacroDefinition(name, parameters, body, uses);
    }

    private List<(string Name, Expression? Default)> Parameters()
    {
        var parameters = new List<(string, Expression?)>();
        _reader.Expect("(");
        while (!_reader.Skip(")"))
        {
            if (parameters.Count > 0) _reader.Expect(",");
            if (_reader.Skip(")")) break;
            var name = _reader.ExpectName("a parameter's name");
            var otherwise = _reader.Skip("=") ? _expressions.Parse() : null;
            if (otherwise is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
                throw _reader.Error($"the parameter '{name}' without a default stands after one with a default");
            parameters.Add((name, otherwise));
        }
        return parameters;
    }

    /// <summary>A name, a namespace's member, or several with commas between.</summary>
    private Target Targets(Func<bool> ends, bool several = true)
    {
        var parts = new List<Target>();
        var isTuple = false;
        while (true)
        {
            if (parts.Count > 0 && ends()) break;
            if (_reader.Skip("("))
            {
                parts.Add(Targets(() => _reader.Is(")")));
                _reader.Expect(")");
            }
            else
            {
                var name = _reader.ExpectName("a name to set");
                if (name is "true" or "false" or "none" or "True" or "False" or "None") throw _reader.Error($"'{name}' cannot be set");
                parts.Add(_reader.Skip(".") ? new NamespaceTarget(name, _reader.ExpectName("a member's name")) : new NameTarget(name));
            }
            if (!several || !_reader.Skip(",")) break;
            isTuple = true;
        }
        return isTuple ? new TupleTarget(parts) : parts[0];
    }
}
