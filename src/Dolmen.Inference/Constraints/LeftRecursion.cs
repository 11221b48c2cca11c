using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints;

/// <summary>A rule that calls itself before any byte would be called without end.</summary>
internal static class LeftRecursion
{
    /// <exception cref="UserErrorException">A rule begins with itself, perhaps through others.</exception>
    public static void Refuse(GrammarProgram program, IReadOnlyList<string> names)
    {
        var begins = Enumerable.Range(0, names.Count).Select(rule => FirstCalls(program, program.Starts[rule])).ToArray();
        // 0: not seen, 1: on the way, 2: done. Without recursion, so that a long chain of rules cannot exhaust the stack.
        var marks = new int[names.Count];
        for (var root = 0; root < names.Count; root++)
        {
            if (marks[root] != 0) continue;
            var way = new Stack<(int Rule, int Next)>([(root, 0)]);
            marks[root] = 1;
            while (way.TryPop(out var place))
            {
                if (place.Next == begins[place.Rule].Count)
                {
                    marks[place.Rule] = 2;
                    continue;
                }
                way.Push((place.Rule, place.Next + 1));
                var called = begins[place.Rule][place.Next];
                if (marks[called] == 1)
                {
                    throw new UserErrorException(
                        $"The rule '{ShownName.Of(names[called])}' calls itself before anything else (left recursion): put what it always "
                            + "begins with first, or write the repetition with '*'.");
                }
                if (marks[called] != 0) continue;
                marks[called] = 1;
                way.Push((called, 0));
            }
        }
    }

    /// <summary>Rules that may be called from the state before any byte.</summary>
    private static List<int> FirstCalls(GrammarProgram program, int start)
    {
        var (calls, seen, waiting) = (new SortedSet<int>(), new HashSet<int> { start }, new Stack<int>([start]));
        while (waiting.TryPop(out var state))
        {
            foreach (var next in program[state].Free)
            {
                if (seen.Add(next)) waiting.Push(next);
            }
            foreach (var (rule, back) in program[state].Calls)
            {
                calls.Add(rule);
                // Only a rule that may be empty lets what follows it come first.
                if (program.ShortestToEnd[program.Starts[rule]] == 0 && seen.Add(back)) waiting.Push(back);
            }
        }
        return [.. calls];
    }
}
