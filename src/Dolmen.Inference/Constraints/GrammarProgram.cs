namespace Dolmen.Inference.Constraints;

/// <summary>Rules compiled to nondeterministic automata over bytes that may call each other (a recursive transition network, Woods 1970).
/// The rule with number 0 is the whole text.</summary>
internal sealed class GrammarProgram
{
    /// <summary>Fewer bytes than this lead from every state to the end of a text.</summary>
    public const int Unreachable = int.MaxValue / 4;

    private readonly State[] _states;

    /// <param name="starts">Where each rule begins.</param>
    /// <param name="ends">Where each rule ends: states without edges.</param>
    public GrammarProgram(State[] states, int[] starts, int[] ends)
    {
        (_states, Starts, Ends) = (states, starts, [.. ends]);
        ShortestToEnd = Distances(starts, ends);
        EndsAlone = [.. Enumerable.Range(0, states.Length).Select(OnlyEnds)];
    }

    public int[] Starts { get; }

    public HashSet<int> Ends { get; }

    /// <summary>Of each state: the fewest bytes to the end of its rule, <see cref="Unreachable"/> if it cannot be reached.</summary>
    public int[] ShortestToEnd { get; }

    /// <summary>Of each state: nothing but its rule's end follows, so that a call before it need not be remembered.</summary>
    public bool[] EndsAlone { get; }

    public State this[int state] => _states[state];

    /// <summary>Knuth's generalisation of Dijkstra's algorithm to grammars (1977): a state is final once no shorter way can be
    /// found.</summary>
    private int[] Distances(int[] starts, int[] ends)
    {
        var distances = new int[_states.Length];
        Array.Fill(distances, Unreachable);
        var sources = new List<(int Source, int Bytes)>?[_states.Length];
        var callsReturningTo = new List<(int Source, int Rule)>?[_states.Length];
        var callsOf = new List<(int Source, int Return)>[starts.Length];
        for (var rule = 0; rule < starts.Length; rule++) callsOf[rule] = [];
        for (var state = 0; state < _states.Length; state++)
        {
            foreach (var target in _states[state].Free) (sources[target] ??= []).Add((state, 0));
            foreach (var edge in _states[state].Bytes) (sources[edge.Target] ??= []).Add((state, 1));
            foreach (var call in _states[state].Calls)
            {
                callsOf[call.Rule].Add((state, call.Return));
                (callsReturningTo[call.Return] ??= []).Add((state, call.Rule));
            }
        }
        var ruleOfStart = starts.Select((state, rule) => (state, rule)).ToLookup(pair => pair.state, pair => pair.rule);
        var waiting = new PriorityQueue<int, int>(ends.Select(end => (end, 0)));
        var settled = new bool[_states.Length];
        while (waiting.TryDequeue(out var state, out var distance))
        {
            if (settled[state]) continue;
            (settled[state], distances[state]) = (true, distance);
            foreach (var (source, bytes) in sources[state] ?? []) waiting.Enqueue(source, Sum(distance, bytes));
            foreach (var (source, rule) in callsReturningTo[state] ?? [])
            {
                if (settled[starts[rule]]) waiting.Enqueue(source, Sum(distance, distances[starts[rule]]));
            }
            foreach (var rule in ruleOfStart[state])
            {
                foreach (var (source, back) in callsOf[rule])
                {
                    if (settled[back]) waiting.Enqueue(source, Sum(distance, distances[back]));
                }
            }
        }
        return distances;

        // Rules that double each other reach beyond any text.
        static int Sum(int a, int b) => Math.Min(a + b, Unreachable);
    }

    private bool OnlyEnds(int state)
    {
        for (var steps = 0; steps < 64; steps++)
        {
            if (Ends.Contains(state)) return true;
            if (_states[state] is not { Bytes.Count: 0, Calls.Count: 0, Free: [var next] }) return false;
            state = next;
        }
        return false;
    }

    /// <summary>Most states have edges of one kind only, and there may be many states.</summary>
    internal sealed class State
    {
        private List<int>? _free;
        private List<(byte Low, byte High, int Target)>? _bytes;
        private List<(int Rule, int Return)>? _calls;

        /// <summary>Followed without a byte.</summary>
        public IReadOnlyList<int> Free => _free ?? (IReadOnlyList<int>)[];

        public IReadOnlyList<(byte Low, byte High, int Target)> Bytes => _bytes ?? (IReadOnlyList<(byte, byte, int)>)[];

        /// <summary>Another rule, and where to go on after it.</summary>
        public IReadOnlyList<(int Rule, int Return)> Calls => _calls ?? (IReadOnlyList<(int, int)>)[];

        public void AddFree(int target) => (_free ??= new(1)).Add(target);

        public void AddBytes(byte low, byte high, int target) => (_bytes ??= new(1)).Add((low, high, target));

        public void AddCall(int rule, int back) => (_calls ??= new(1)).Add((rule, back));
    }
}
