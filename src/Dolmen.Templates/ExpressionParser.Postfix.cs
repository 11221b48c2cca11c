namespace Dolmen.Templates;

/// <summary>What stands behind a value: members, items, calls, filters and tests.</summary>
internal sealed partial class ExpressionParser
{
    private Expression Postfix(Expression value)
    {
        while (true)
        {
            var line = reader.Current.Line;
            if (reader.Skip("."))
            {
                var token = reader.Next();
                value = token.Kind switch
                {
                    TokenKind.Name => new MemberAccess(value, token.Text, line),
                    TokenKind.Integer => new ItemAccess(value, new Literal(NumberLiteral.Integer(token.Text, line), line), line),
                    _ => throw new TemplateException($"{token} stands where a member's name must be", token.Line),
                };
            }
            else if (reader.Skip("[")) value = Subscript(value, line);
            else if (reader.Is("(")) value = new Call(value, CallArguments(), line);
            else return value;
        }
    }

    private Expression Subscript(Expression value, int line)
    {
        Expression? Bound() => reader.Is(":") || reader.Is("]") || reader.Is(",") ? null : Parse();
        var first = Bound();
        if (reader.Skip(":"))
        {
            var stop = Bound();
            var step = reader.Skip(":") ? Bound() : null;
            reader.Expect("]");
            return new SliceAccess(value, first, stop, step, line);
        }
        if (first is null) throw reader.Error($"{reader.Current} stands where an index must be");
        if (reader.Is(","))
        {
            var items = new List<Expression> { first };
            while (reader.Skip(",") && !reader.Is("]")) items.Add(Parse());
            first = new SequenceLiteral(items, SequenceKind.Tuple, line);
        }
        reader.Expect("]");
        return new ItemAccess(value, first, line);
    }

    public Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            var line = reader.Current.Line;
            if (reader.Skip("|")) value = FilterOn(value, line);
            else if (reader.SkipName("is")) value = TestOn(value, line);
            // Calls are bound to what stands before the filter, except here.
            else if (reader.Is("(")) value = new Call(value, CallArguments(), line);
            else return value;
        }
    }

    public FilterCall FilterOn(Expression? value, int line)
    {
        var name = DottedName("a filter's name");
        return new FilterCall(value, name, reader.Is("(") ? CallArguments() : ArgumentList.Empty, line);
    }

    private Expression TestOn(Expression value, int line)
    {
        var negated = reader.SkipName("not");
        var name = DottedName("a test's name");
        var arguments = ArgumentList.Empty;
        if (reader.Is("("))
            arguments = CallArguments();
        else if (
            (reader.Current.Kind is TokenKind.Name && !(reader.Current.Text is "else" or "or" or "and" or "if" or "is" or "in" or "not"))
            || reader.Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float
            || reader.Is("[")
            || reader.Is("{")
        )
            arguments = ArgumentList.Empty with { Positional = [Postfix(Primary())] };
        Expression test = new TestCall(value, name, arguments, line);
        return negated ? new Not(test, line) : test;
    }

    private string DottedName(string what)
    {
        var name = reader.ExpectName(what);
        while (reader.Skip(".")) name += "." + reader.ExpectName(what);
        return name;
    }

    public ArgumentList CallArguments()
    {
        reader.Expect("(");
        var (positional, named) = (new List<Expression>(), new List<KeyValuePair<string, Expression>>());
        Expression? more = null, moreNamed = null;
        var first = true;
        while (!reader.Skip(")"))
        {
            if (!first) reader.Expect(",");
            first = false;
            if (reader.Skip(")")) break;
            if (reader.Skip("**")) moreNamed = Parse();
            else if (reader.Skip("*")) more = Parse();
            else if (reader.Current.Kind == TokenKind.Name && reader.FollowedBy("="))
            {
                var name = reader.Next().Text;
                reader.Next();
                named.Add(KeyValuePair.Create(name, Parse()));
            }
            else if (named.Count > 0 || moreNamed is not null)
                throw reader.Error("an argument without a name stands after one with a name");
            else positional.Add(Parse());
        }
        return new ArgumentList(positional, named, more, moreNamed);
    }
}
