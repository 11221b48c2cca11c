using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>An expression as a nondeterministic automaton over code points (Thompson 1968).</summary>
internal sealed class CharacterPaths
{
    private readonly List<List<(CodePoints Set, int Target)>> _edges = [];
    private readonly List<List<int>> _free = [];

    public int NewState()
    {
        if (_edges.Count >= 4 * CharacterAutomaton.MaxStates)
        {
            throw new UserErrorException("A pattern repeats its parts too often: it needs more than " +
                $"{4 * CharacterAutomaton.MaxStates} states. Make its numbers of repetitions smaller.");
        }
        _edges.Add([]);
        _free.Add([]);
        return _edges.Count - 1;
    }

    /// <summary>Adds all ways through the expression that end in <paramref name="end"/>.</summary>
    /// <returns>Where they begin.</returns>
    public int Add(Expression expression, int end)
    {
        switch (expression)
        {
            case Expression.Characters(var set):
            {
                var start = NewState();
                if (!set.IsEmpty) _edges[start].Add((set, end));
                return start;
            }
            case Expression.Sequence(var parts):
                for (var i = parts.Count - 1; i >= 0; i--) end = Add(parts[i], end);
                return end;
            case Expression.Choice(var options):
            {
                var start = NewState();
                foreach (var option in options) _free[start].Add(Add(option, end));
                return start;
            }
            case Expression.Repetition(var body, var least, var most):
                return AddRepetition(body, least, most, end);
            default:
                throw new InvalidOperationException($"A {expression.GetType().Name} has no characters of its own.");
        }
    }

    /// <summary>All states reachable without a character, in ascending order.</summary>
    public int[] Closure(IEnumerable<int> states)
    {
        var seen = new SortedSet<int>(states);
        var waiting = new Stack<int>(seen);
        while (waiting.TryPop(out var state))
        {
            foreach (var next in _free[state])
            {
                if (seen.Add(next)) waiting.Push(next);
            }
        }
        return [.. seen];
    }

    /// <summary>Where the characters lead from these states: sets that do not overlap.</summary>
    public IEnumerable<(CodePoints Set, int[] Targets)> Steps(int[] states)
    {
        var edges = states.SelectMany(state => _edges[state]).ToList();
        var cuts = new SortedSet<int>();
        foreach (var (low, high) in edges.SelectMany(edge => edge.Set.Ranges)) cuts.UnionWith([low, high + 1]);
        var byTargets = new Dictionary<string, (List<(int Low, int High)> Ranges, int[] Targets)>();
        foreach (var (low, next) in cuts.Zip(cuts.Skip(1)))
        {
            var targets = Closure(edges.Where(edge => edge.Set.Contains(low)).Select(edge => edge.Target));
            if (targets.Length == 0) continue;
            var key = string.Join(',', targets);
            if (!byTargets.TryGetValue(key, out var step)) byTargets[key] = step = ([], targets);
            step.Ranges.Add((low, next - 1));
        }
        return byTargets.Values.Select(step => (CodePoints.Of(step.Ranges), step.Targets));
    }

    private int AddRepetition(Expression body, int least, int? most, int end)
    {
        var next = end;
        if (most is null)
        {
            next = NewState();
            _free[next].Add(end);
            _free[next].Add(Add(body, next));
        }
        else
        {
            for (var i = least; i < most; i++)
            {
                var start = NewState();
                _free[start].Add(end);
                _free[start].Add(Add(body, next));
                next = start;
            }
        }
        for (var i = 0; i < least; i++) next = Add(body, next);
        return next;
    }
}
