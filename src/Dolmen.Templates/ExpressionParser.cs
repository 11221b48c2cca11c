namespace Dolmen.Templates;

/// <summary>Expressions by Jinja's precedence: if-else, or, and, not, comparisons, + −, ~, * / // %, **, signs, members and calls, filters
/// and tests.</summary>
internal sealed partial class ExpressionParser(TokenReader reader)
{
    public Expression Parse(bool withCondition = true)
    {
        reader.Enter();
        var value = withCondition ? Condition() : Or();
        reader.Leave();
        return value;
    }

    /// <summary>One expression, or several with commas between, which are a tuple.</summary>
    public Expression ParseTuple(bool withCondition = true, Func<bool>? ends = null, bool mayBeEmpty = false)
    {
        var line = reader.Current.Line;
        var items = new List<Expression>();
        var isTuple = false;
        while (!EndsTuple(ends))
        {
            items.Add(Parse(withCondition));
            if (!reader.Skip(",")) break;
            isTuple = true;
        }
        if (!isTuple && items.Count == 1) return items[0];
        if (items.Count == 0 && !mayBeEmpty) throw reader.Error($"{reader.Current} stands where an expression must be");
        return new SequenceLiteral(items, SequenceKind.Tuple, line);
    }

    private bool EndsTuple(Func<bool>? ends) =>
        reader.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd or TokenKind.End || reader.Is(")") || ends?.Invoke() == true;

    private Expression Condition()
    {
        var line = reader.Current.Line;
        var value = Or();
        while (reader.SkipName("if"))
        {
            var condition = Or();
            reader.Enter();
            value = new Conditional(condition, value, reader.SkipName("else") ? Condition() : null, line);
            reader.Leave();
            line = reader.Current.Line;
        }
        return value;
    }

    private Expression Or() => Chain("or", And);

    private Expression And() => Chain("and", Not);

    private Expression Chain(string word, Func<Expression> operand)
    {
        var line = reader.Current.Line;
        var first = operand();
        if (!reader.IsName(word)) return first;
        var operands = new List<Expression> { first };
        while (reader.SkipName(word)) operands.Add(operand());
        return new Logical(word == "and", operands, line);
    }

    private Expression Not()
    {
        var line = reader.Current.Line;
        if (!reader.SkipName("not")) return Compare();
        reader.Enter();
        var operand = Not();
        reader.Leave();
        return new Not(operand, line);
    }

    private Expression Compare()
    {
        var line = reader.Current.Line;
        var first = Sum();
        List<(string, Expression)>? rest = null;
        while (true)
        {
            string sign;
            if (reader.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" }) sign = reader.Next().Text;
            else if (reader.SkipName("in")) sign = "in";
            else if (reader.IsName("not") && reader.NextIsName("in"))
            {
                reader.Next();
                reader.Next();
                sign = "not in";
            }
            else return rest is null ? first : new Comparison(first, rest, line);
            (rest ??= []).Add((sign, Sum()));
        }
    }

    private Expression Sum() => LeftToRight(["+", "-"], Concatenation);

    private Expression Concatenation()
    {
        var line = reader.Current.Line;
        var first = Product();
        if (!reader.Is("~")) return first;
        var parts = new List<Expression> { first };
        while (reader.Skip("~")) parts.Add(Product());
        return new Concatenation(parts, line);
    }

    private Expression Product() => LeftToRight(["*", "/", "//", "%"], Power);

    private Expression Power() => LeftToRight(["**"], () => Signed(true));

    private Expression LeftToRight(string[] signs, Func<Expression> operand)
    {
        var line = reader.Current.Line;
        var value = operand();
        while (reader.Current.Kind == TokenKind.Operator && signs.Contains(reader.Current.Text))
        {
            value = new Arithmetic(reader.Next().Text, value, operand(), line);
            line = reader.Current.Line;
        }
        return value;
    }

    private Expression Signed(bool withFilters)
    {
        var line = reader.Current.Line;
        Expression value;
        if (reader.Is("-") || reader.Is("+"))
        {
            var negative = reader.Next().Text == "-";
            reader.Enter();
            value = new Signed(negative, Signed(false), line);
            reader.Leave();
        }
        else
        {
            value = Primary();
        }
        value = Postfix(value);
        return withFilters ? FiltersAndTests(value) : value;
    }

    private Expression Primary()
    {
        var token = reader.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                if (token.Text is "true" or "True") return new Literal(true, token.Line);
                if (token.Text is "false" or "False") return new Literal(false, token.Line);
                if (token.Text is "none" or "None") return new Literal(None.Value, token.Line);
                reader.Uses.Add(token.Text);
                return new NameLookup(token.Text, token.Line);
            case TokenKind.String:
                var value = token.Text;
                if (reader.Current.Kind == TokenKind.String)
                {
                    var parts = new System.Text.StringBuilder(value);
                    while (reader.Current.Kind == TokenKind.String) parts.Append(reader.Next().Text);
                    value = parts.ToString();
                }
                return new Literal(new Text(value), token.Line);
            case TokenKind.Integer: return new Literal(NumberLiteral.Integer(token.Text, token.Line), token.Line);
            case TokenKind.Float: return new Literal(NumberLiteral.Float(token.Text), token.Line);
            case TokenKind.Operator when token.Text == "(":
                var inner = ParseTuple(mayBeEmpty: true);
                reader.Expect(")");
                return inner;
            case TokenKind.Operator when token.Text == "[": return new SequenceLiteral(Items("]"), SequenceKind.List, token.Line);
            case TokenKind.Operator when token.Text == "{": return DictOf(token.Line);
            default: throw new TemplateException($"{token} stands where an expression must be", token.Line);
        }
    }

    private List<Expression> Items(string end)
    {
        var items = new List<Expression>();
        while (!reader.Skip(end))
        {
            if (items.Count > 0) reader.Expect(",");
            if (reader.Skip(end)) break;
            items.Add(Parse());
        }
        return items;
    }

    private DictLiteral DictOf(int line)
    {
        var entries = new List<(Expression, Expression)>();
        while (!reader.Skip("}"))
        {
            if (entries.Count > 0) reader.Expect(",");
            if (reader.Skip("}")) break;
            var key = Parse();
            reader.Expect(":");
            entries.Add((key, Parse()));
        }
        return new DictLiteral(entries, line);
    }
}
