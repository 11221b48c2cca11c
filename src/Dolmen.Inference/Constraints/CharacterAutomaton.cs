using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>A deterministic automaton over code points in which every state can still be accepted: what lengths, patterns, keys and numbers
/// are combined in before they are spelled as bytes.</summary>
internal sealed class CharacterAutomaton
{
    /// <summary>More states are a mistake in a schema, or an attack.</summary>
    public const int MaxStates = 50_000;

    private CharacterAutomaton(IReadOnlyList<State> states) => States = states;

    /// <summary>The first is where a text begins; none where no text is accepted.</summary>
    public IReadOnlyList<State> States { get; }

    public bool AcceptsNothing => States.Count == 0;

    /// <summary>One character of the set, between two numbers of times.</summary>
    public static CharacterAutomaton Repeated(CodePoints set, int least, int? most) => Explore(
        0,
        count => count == most ? [] : [(set, most is null ? Math.Min(count + 1, least) : count + 1)],
        count => count >= least);

    /// <summary>Builds the automaton from any description of states; states that are equal are one.</summary>
    /// <param name="transitions">Sets that do not overlap, and where each leads.</param>
    /// <exception cref="UserErrorException">There are more than <see cref="MaxStates"/> states.</exception>
    public static CharacterAutomaton Explore<T>(T start, Func<T, IEnumerable<(CodePoints Set, T Target)>> transitions, Func<T,
        bool> accepts)
        where T : notnull
    {
        var (numbers, order, edges) = (new Dictionary<T, int> { [start] = 0 }, new List<T> { start }, new List<List<Edge>>());
        for (var state = 0; state < order.Count; state++)
        {
            edges.Add([]);
            foreach (var (set, target) in transitions(order[state]))
            {
                if (set.IsEmpty) continue;
                if (!numbers.TryGetValue(target, out var number))
                {
                    number = numbers[target] = order.Count;
                    order.Add(target);
                    if (order.Count > MaxStates) throw TooLarge();
                }
                edges[state].Add(new Edge(set, number));
            }
        }
        return Trimmed([.. edges.Select((list, state) => new State(list, accepts(order[state])))]);
    }

    /// <param name="expression">Without calls of rules.</param>
    public static CharacterAutomaton Of(Expression expression)
    {
        var paths = new CharacterPaths();
        var end = paths.NewState();
        var start = paths.Add(expression, end);
        return Explore(
            new StateSet(paths.Closure([start])),
            set => paths.Steps(set.Members).Select(step => (step.Set, new StateSet(step.Targets))),
            set => set.Members.Contains(end));
    }

    /// <summary>The texts that both accept.</summary>
    public CharacterAutomaton Intersect(CharacterAutomaton other)
    {
        if (AcceptsNothing || other.AcceptsNothing) return new CharacterAutomaton([]);
        return Explore(
            (Mine: 0, Other: 0),
            pair => from mine in States[pair.Mine].Edges
                    from theirs in other.States[pair.Other].Edges
                    select (mine.Set.Intersect(theirs.Set), (mine.Target, theirs.Target)),
            pair => States[pair.Mine].Accepts && other.States[pair.Other].Accepts);
    }

    /// <summary>The texts that this one does not accept.</summary>
    public CharacterAutomaton Complement()
    {
        const int elsewhere = -1;
        return Explore(
            AcceptsNothing ? elsewhere : 0,
            state =>
            {
                if (state == elsewhere) return [(CodePoints.All, elsewhere)];
                var known = States[state].Edges.Aggregate(CodePoints.None, (all, edge) => all.Union(edge.Set));
                return States[state].Edges.Select(edge => (edge.Set, edge.Target)).Append((known.Complement(), elsewhere));
            },
            state => state == elsewhere || !States[state].Accepts);
    }

    public bool Accepts(string text)
    {
        if (AcceptsNothing) return false;
        var state = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var edge = States[state].Edges.FirstOrDefault(edge => edge.Set.Contains(rune.Value));
            if (edge is null) return false;
            state = edge.Target;
        }
        return States[state].Accepts;
    }

    private static UserErrorException TooLarge() => new(
        $"A pattern, a length or a number's bounds need more than {MaxStates} states: make the limits smaller or leave them out.");

    /// <summary>Takes away what cannot be accepted any more.</summary>
    private static CharacterAutomaton Trimmed(List<State> states)
    {
        var sources = states.Select(_ => new List<int>()).ToList();
        for (var state = 0; state < states.Count; state++)
        {
            foreach (var edge in states[state].Edges) sources[edge.Target].Add(state);
        }
        var useful = states.Select(state => state.Accepts).ToArray();
        var waiting = new Stack<int>(Enumerable.Range(0, states.Count).Where(state => useful[state]));
        while (waiting.TryPop(out var state))
        {
            foreach (var source in sources[state])
            {
                if (useful[source]) continue;
                useful[source] = true;
                waiting.Push(source);
            }
        }
        if (!useful[0]) return new CharacterAutomaton([]);
        var (numbers, next) = (new int[states.Count], 0);
        for (var state = 0; state < states.Count; state++) numbers[state] = useful[state] ? next++ : -1;
        return new CharacterAutomaton([.. states.Where((_, state) => useful[state]).Select(state => new State(
            [.. state.Edges.Where(edge => useful[edge.Target]).Select(edge => edge with { Target = numbers[edge.Target] })],
                state.Accepts))]);
    }

    internal sealed record Edge(CodePoints Set, int Target);

    internal sealed record State(IReadOnlyList<Edge> Edges, bool Accepts);

    /// <summary>States of <see cref="CharacterPaths"/> in ascending order, equal by content.</summary>
    private readonly struct StateSet(int[] members) : IEquatable<StateSet>
    {
        public int[] Members => members;

        public bool Equals(StateSet other) => Members.AsSpan().SequenceEqual(other.Members);

        public override bool Equals(object? obj) => obj is StateSet other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var member in Members) hash.Add(member);
            return hash.ToHashCode();
        }
    }
}
