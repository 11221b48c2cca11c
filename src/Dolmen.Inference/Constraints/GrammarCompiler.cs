using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>Compiles the rules of a grammar to a <see cref="GrammarProgram"/>: characters become the bytes of their UTF-8.</summary>
internal sealed class GrammarCompiler
{
    /// <summary>About 200 MB; larger is a mistake in a grammar, or an attack.</summary>
    private const int MaxStates = 1_000_000;

    private readonly List<GrammarProgram.State> _states = [];
    private readonly Dictionary<string, int> _rules = [];

    private GrammarCompiler() { }

    /// <param name="root">The whole text.</param>
    /// <param name="rules">What <see cref="Expression.Call"/> refers to.</param>
    /// <exception cref="UserErrorException">A rule is missing, calls itself before anything else, or the whole is too large or accepts no
    /// text.</exception>
    public static GrammarProgram Compile(Expression root, IReadOnlyDictionary<string, Expression> rules)
    {
        var compiler = new GrammarCompiler();
        var (names, bodies) = (rules.Keys.ToList(), new List<Expression> { root });
        foreach (var name in names)
        {
            compiler._rules[name] = bodies.Count;
            bodies.Add(rules[name]);
        }
        var (starts, ends) = (new int[bodies.Count], new int[bodies.Count]);
        for (var rule = 0; rule < bodies.Count; rule++)
        {
            ends[rule] = compiler.NewState();
            // A state of its own, so that a loop at the beginning cannot be mistaken for the rule's beginning.
            starts[rule] = compiler.NewState();
            compiler._states[starts[rule]].Free.Add(compiler.Add(bodies[rule], ends[rule]));
        }
        var program = new GrammarProgram([.. compiler._states], starts, ends);
        LeftRecursion.Refuse(program, ["the whole text", .. names]);
        return program.ShortestToEnd[starts[0]] < GrammarProgram.Unreachable ? program
            : throw new UserErrorException(
                "The constraint allows no text at all: its parts contradict each other, or every rule needs itself.");
    }

    private int NewState()
    {
        if (_states.Count >= MaxStates)
        {
            throw new UserErrorException($"The constraint is too large: it needs more than {MaxStates} states. Make its numbers of " +
                "repetitions, lengths or values smaller.");
        }
        _states.Add(new GrammarProgram.State());
        return _states.Count - 1;
    }

    /// <summary>Adds all ways through the expression that end in <paramref name="end"/>.</summary>
    /// <returns>Where they begin.</returns>
    private int Add(Expression expression, int end)
    {
        switch (expression)
        {
            case Expression.Characters(var set):
                return Branch(start => Spell(set, start, end));
            case Expression.Sequence(var parts):
                for (var i = parts.Count - 1; i >= 0; i--) end = Add(parts[i], end);
                return end;
            case Expression.Choice(var options):
                return Branch(start => _states[start].Free.AddRange(options.Select(option => Add(option, end)).ToList()));
            case Expression.Repetition(var body, var least, var most):
                return AddRepetition(body, least, most, end);
            case Expression.Call(var rule):
                if (!_rules.TryGetValue(rule, out var number))
                    throw new UserErrorException($"The grammar calls the rule '{ShownName.Of(rule)}' without defining it: define it.");
                return Branch(start => _states[start].Calls.Add((number, end)));
            case Expression.Accepted(var automaton, var inJsonString):
                return AddAutomaton(automaton, inJsonString, end);
            case Expression.Separated(var members, var separator):
                return AddSeparated(members, separator, end);
            default:
                throw new InvalidOperationException($"Unknown expression {expression.GetType().Name}.");
        }
    }

    private int Branch(Action<int> fill)
    {
        var start = NewState();
        fill(start);
        return start;
    }

    private int AddRepetition(Expression body, int least, int? most, int end)
    {
        var next = end;
        if (most is null)
        {
            var again = NewState();
            _states[again].Free.AddRange([end, Add(body, again)]);
            next = again;
        }
        else
        {
            for (var i = least; i < most; i++)
            {
                var rest = next;
                next = Branch(start => _states[start].Free.AddRange([end, Add(body, rest)]));
            }
        }
        for (var i = 0; i < least; i++) next = Add(body, next);
        return next;
    }

    private int AddAutomaton(CharacterAutomaton automaton, bool inJsonString, int end)
    {
        var states = automaton.States.Select(_ => NewState()).ToArray();
        for (var state = 0; state < states.Length; state++)
        {
            foreach (var edge in automaton.States[state].Edges)
            {
                if (inJsonString) SpellInJsonString(edge.Set, states[state], states[edge.Target]);
                else Spell(edge.Set, states[state], states[edge.Target]);
            }
            if (automaton.States[state].Accepts) _states[states[state]].Free.Add(end);
        }
        return states.Length > 0 ? states[0] : NewState();
    }

    /// <summary>Two rows of places between members, before and after the first one that is there; each member is compiled once.</summary>
    private int AddSeparated(IReadOnlyList<(Expression Member, bool Required)> members, Expression separator, int end)
    {
        var (none, some) = (end, end);
        for (var i = members.Count - 1; i >= 0; i--)
        {
            var (noneAfter, someAfter) = (none, some);
            var member = Add(members[i].Member, someAfter);
            (none, some) = (NewState(), NewState());
            _states[none].Free.Add(member);
            _states[some].Free.Add(Add(separator, member));
            if (members[i].Required) continue;
            _states[none].Free.Add(noneAfter);
            _states[some].Free.Add(someAfter);
        }
        return none;
    }

    /// <summary>The inside of a JSON string: quotes, backslashes and control characters are escaped in the shortest way, everything else
    /// stands for itself (RFC 8259 §7).</summary>
    private void SpellInJsonString(CodePoints set, int start, int end)
    {
        const string escaped = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
        Spell(set.Without(CodePoints.Range(0, 0x1F).Union(CodePoints.AnyOf("\"\\"))), start, end);
        int backslash = -1;
        foreach (var control in Enumerable.Range(0, 0x20).Append('"').Append('\\').Where(set.Contains))
        {
            if (backslash < 0) _states[start].Bytes.Add(((byte)'\\', (byte)'\\', backslash = NewState()));
            var shorthand = escaped.IndexOf((char)control, StringComparison.Ordinal);
            var text = shorthand >= 0 ? $"{letters[shorthand]}" : $"u{control:x4}";
            var from = backslash;
            for (var i = 0; i < text.Length; i++)
            {
                var to = i == text.Length - 1 ? end : NewState();
                _states[from].Bytes.Add(((byte)text[i], (byte)text[i], to));
                from = to;
            }
        }
    }

    private void Spell(CodePoints set, int start, int end)
    {
        // Characters that end alike share the states of these endings.
        var endings = new Dictionary<string, int>();
        foreach (var bytes in set.Ranges.SelectMany(range => Utf8Ranges.Of(range.Low, range.High)))
        {
            var (next, ending) = (end, "");
            for (var i = bytes.Length - 1; i >= 1; i--)
            {
                ending = $"{bytes[i].Low}-{bytes[i].High} {ending}";
                if (!endings.TryGetValue(ending, out var state))
                {
                    endings[ending] = state = NewState();
                    _states[state].Bytes.Add((bytes[i].Low, bytes[i].High, next));
                }
                next = state;
            }
            _states[start].Bytes.Add((bytes[0].Low, bytes[0].High, next));
        }
    }
}
