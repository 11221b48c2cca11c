using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>Follows a <see cref="GrammarProgram"/> byte by byte. Sets of places are made deterministic as texts reach them and kept, so
/// that a text that stays among known places costs one look-up a byte. One thread at a time.</summary>
internal sealed class GrammarMachine
{
    /// <summary>Ways in which a text can be read at once. An ambiguous grammar could otherwise take exponential time.</summary>
    private const int MaxWays = 2_000;

    /// <summary>Calls that a text can be inside of.</summary>
    private const int MaxDepth = 10_000;

    private readonly GrammarProgram _program;
    private readonly int _maxPlaces;
    private Dictionary<(Frame Parent, int Return), Frame> _frames = [];
    private Dictionary<Ways, GrammarPlace> _places = [];
    private long _nextFrame = 1;

    /// <param name="maxPlaces">Places kept; when there are more, all are forgotten and found anew.</param>
    public GrammarMachine(GrammarProgram program, int maxPlaces = 20_000)
    {
        (_program, _maxPlaces) = (program, maxPlaces);
        Start = Place([(program.Starts[0], Frame.Bottom)]) ?? throw new InvalidOperationException("The program accepts no text.");
    }

    public GrammarPlace Start { get; }

    /// <summary>Places now kept.</summary>
    public int Places => _places.Count;

    /// <summary>Where a byte leads; null where the text may not go on with it.</summary>
    /// <exception cref="UserErrorException">The grammar is too ambiguous or too deep to follow.</exception>
    public GrammarPlace? Next(GrammarPlace place, byte next)
    {
        var known = place.Known(next, out var isKnown);
        if (isKnown) return known;
        var moved = new List<(int State, Frame Frame)>();
        foreach (var (state, frame) in place.Ways)
        {
            foreach (var edge in _program[state].Bytes)
            {
                if (next >= edge.Low && next <= edge.High) moved.Add((edge.Target, frame));
            }
        }
        var target = moved.Count == 0 ? null : Place(moved);
        place.Remember(next, target);
        return target;
    }

    /// <summary>Everything reachable without a byte; only places that can still reach the end of a text are kept.</summary>
    private GrammarPlace? Place(List<(int State, Frame Frame)> from)
    {
        var (seen, waiting, ways, accepts) = (new HashSet<(int, Frame)>(), new Stack<(int State, Frame Frame)>(), new List<Way>(), false);
        var shortest = long.MaxValue;
        foreach (var way in from) Visit(way.State, way.Frame);
        while (waiting.TryPop(out var way))
        {
            var (state, frame) = way;
            if (_program.Ends.Contains(state))
            {
                if (frame == Frame.Bottom) (accepts, shortest) = (true, 0);
                else Visit(frame.Return, frame.Parent!);
                continue;
            }
            foreach (var next in _program[state].Free) Visit(next, frame);
            foreach (var (rule, back) in _program[state].Calls)
            {
                // Nothing follows a call at the end of a rule: it needs no frame, and recursion there needs no memory.
                Visit(_program.Starts[rule], _program.EndsAlone[back] ? frame : Inside(frame, back));
            }
            if (_program[state].Bytes.Count == 0) continue;
            ways.Add(new Way(state, frame));
            shortest = Math.Min(shortest, _program.ShortestToEnd[state] + frame.ShortestToEnd);
        }
        if (ways.Count == 0 && !accepts) return null;
        ways.Sort(static (a, b) => a.State != b.State ? a.State.CompareTo(b.State) : a.Frame.Id.CompareTo(b.Frame.Id));
        var key = new Ways([.. ways], accepts);
        if (_places.TryGetValue(key, out var place)) return place;
        if (_places.Count >= _maxPlaces) (_places, _frames) = ([], []);
        return _places[key] = new GrammarPlace(key.List, accepts, (int)Math.Min(shortest, GrammarProgram.Unreachable));

        void Visit(int state, Frame frame)
        {
            if (_program.ShortestToEnd[state] >= GrammarProgram.Unreachable || !seen.Add((state, frame))) return;
            if (seen.Count > 64 * MaxWays || ways.Count > MaxWays)
                throw new UserErrorException($"The grammar is too ambiguous: a text can be read in more than {MaxWays} ways at once. " +
                    "Rewrite it so that one character decides what comes.");
            waiting.Push((state, frame));
        }
    }

    private Frame Inside(Frame parent, int back)
    {
        if (_frames.TryGetValue((parent, back), out var frame)) return frame;
        if (parent.Depth >= MaxDepth)
            throw new UserErrorException($"The text is nested more than {MaxDepth} deep in the rules of the grammar.");
        return _frames[(parent, back)] = new Frame(_nextFrame++, parent, back, parent.ShortestToEnd + _program.ShortestToEnd[back]);
    }

    /// <summary>A call that the text is inside of, and those around it.</summary>
    internal sealed class Frame(long id, Frame? parent, int back, long shortestToEnd)
    {
        public static Frame Bottom { get; } = new(0, null, -1, 0);

        public long Id => id;

        public Frame? Parent => parent;

        /// <summary>The state to go on in.</summary>
        public int Return => back;

        public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

        /// <summary>The fewest bytes from the return to the end of the text.</summary>
        public long ShortestToEnd => shortestToEnd;
    }

    /// <summary>A state that a byte can be read in.</summary>
    internal readonly record struct Way(int State, Frame Frame);

    private readonly struct Ways(Way[] list, bool accepts) : IEquatable<Ways>
    {
        public Way[] List => list;

        private bool Accepts => accepts;

        public bool Equals(Ways other) => Accepts == other.Accepts && List.AsSpan().SequenceEqual(other.List);

        public override bool Equals(object? obj) => obj is Ways other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(Accepts);
            foreach (var way in List) hash.Add((way.State, way.Frame.Id));
            return hash.ToHashCode();
        }
    }
}
