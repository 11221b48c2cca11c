namespace Dolmen.Retrieval;

/// <summary>What an index is searched for: the words and names of a person's question, without those that every question has.</summary>
/// <param name="Terms">Each once.</param>
/// <param name="Containers">Names that may be those of a type, and the same names as what a member belongs to. Where the question asks
/// for a member of it, the type itself is not the answer.</param>
internal sealed record QuestionTerms(IReadOnlyList<string> Terms, IReadOnlyList<(string Container, IReadOnlyList<string> Own)> Containers)
{
    /// <summary>Of a longer question only the beginning and the end count, where people ask.</summary>
    public const int MaxChars = 2000;

    private const int MaxNames = 32;
    private const int MaxJoinedWords = 5;
    private const int MaxJoinedChars = 60;

    /// <summary>Words of asking. They count only where a question has no others.</summary>
    private static readonly HashSet<string> Asking = Stems(
        "a an the this that these those it its i me my we us our you your he she they them is are was were be been am do does did has "
            + "have had can could shall should will would may might must of to in on at by for from with about as and or not if then "
            + "than so but how what which who whom whose when where why there here please tell explain describe name give show "
            + "say says said mean means happen happens call "
            + "called need needs want get back expect one sentence stand stands summary described use using");

    private static readonly HashSet<string> AskingForMember = Stems("member method property field event function");

    public static QuestionTerms Of(string question)
    {
        ReadOnlySpan<char> text = question.Length <= MaxChars
            ? question
            : string.Concat(question.AsSpan(0, MaxChars / 2), " ", question.AsSpan(question.Length - (MaxChars / 2)));
        var words = new List<string>();
        IndexTerms.AddWords(text, words);
        var asksForMember = words.Exists(AskingForMember.Contains);
        var terms = words.FindAll(word => !Asking.Contains(word) && !AskingForMember.Contains(word));
        if (terms.Count == 0) terms.AddRange(words);
        AddJoined(text, terms);

        var containers = new List<(string, IReadOnlyList<string>)>();
        foreach (var path in NamePath.Find(text, MaxNames))
        {
            if (path.Segments.Count == 1 && path.Parameters is null && Asking.Contains(IndexTerms.Stem(path.Segments[0]))) continue;
            List<string> names = [.. path.Names()];
            terms.AddRange(names);
            var container = path.AsContainer();
            terms.Add(container);
            if (asksForMember && path.Parameters is null) containers.Add((container, names));
        }
        return new QuestionTerms([.. terms.Distinct(StringComparer.Ordinal)], containers);
    }

    // "string builder append" means StringBuilder.Append.
    private static void AddJoined(ReadOnlySpan<char> text, List<string> terms)
    {
        var words = IndexTerms.Words(text);
        for (var start = 0; start < words.Count; start++)
        {
            var joined = text[words[start]].ToString();
            for (var end = start + 1; end < Math.Min(words.Count, start + MaxJoinedWords); end++)
            {
                joined += text[words[end]].ToString();
                if (joined.Length > MaxJoinedChars) break;
                var lower = IndexTerms.Lower(joined);
                terms.Add(IndexTerms.Stem(lower));
                terms.Add("." + lower);
            }
        }
    }

    private static HashSet<string> Stems(string words) => new(words.Split(' ').Select(IndexTerms.Stem), StringComparer.Ordinal);
}
