namespace Dolmen.Retrieval;

/// <summary>What an index is searched for: the words and names of a person's question, without those that every question has.</summary>
internal static class QuestionTerms
{
    /// <summary>Of a longer question only the beginning and the end count, where people ask.</summary>
    public const int MaxChars = 2000;

    private const int MaxNames = 16;

    /// <summary>Words of asking. They count only where a question has no others.</summary>
    private static readonly HashSet<string> Asking = new(
        (
            "a an the this that these those it its i me my we you your he she they them is are was were be been am do does did has have "
            + "had can could shall should will would may might must of to in on at by for from with about as and or not if then than so "
            + "but how what which who whom whose when where why there here please tell explain describe name give show say says said "
            + "mean means happen happens call called need needs want get back expect one sentence stand stands summary described member "
            + "members"
        )
            .Split(' ')
            .Select(IndexTerms.Stem),
        StringComparer.Ordinal
    );

    public static List<string> Of(string question)
    {
        ReadOnlySpan<char> text = question.Length <= MaxChars
            ? question
            : string.Concat(question.AsSpan(0, MaxChars / 2), " ", question.AsSpan(question.Length - (MaxChars / 2)));
        var words = new List<string>();
        IndexTerms.AddWords(text, words);
        var terms = new List<string>();
        foreach (var word in words)
            if (!Asking.Contains(word)) terms.Add(word);
        if (terms.Count == 0) terms.AddRange(words);

        foreach (var path in NamePath.Find(text, int.MaxValue))
        {
            if (path.Segments.Count == 1 && Asking.Contains(IndexTerms.Stem(path.Segments[0]))) continue;
            terms.AddRange(path.Names());
            if (path.Segments.Count > 1 || char.IsLetter(path.Segments[0][0])) terms.Add(path.Join(0, path.Segments.Count, false) + ":");
        }
        // "string builder append" means StringBuilder.Append.
        for (var i = 0; i + 1 < words.Count; i++) terms.Add(words[i] + words[i + 1]);
        return terms.Distinct(StringComparer.Ordinal).ToList();
    }
}
