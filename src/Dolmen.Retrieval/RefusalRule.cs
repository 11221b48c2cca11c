namespace Dolmen.Retrieval;

/// <summary>When an answer counts as declining: by how it begins, so that a rule and not a judge decides.</summary>
public static class RefusalRule
{
    private static readonly string[] Openings =
    [
        "i don't know", "i do not know", "i'm not aware", "i am not aware", "i'm not sure", "i am not sure",
        "i'm not familiar", "i am not familiar", "i have no", "i can't", "i cannot", "i could not find", "i couldn't find",
        "the documents do not say", "the documents don't say", "there is no", "there's no", "no such", "sorry", "i'm sorry", "i am sorry",
    ];

    public static bool Declines(string answer)
    {
        var start = answer.TrimStart().Replace('\u2019', '\'');
        return Openings.Any(opening => start.StartsWith(opening, StringComparison.OrdinalIgnoreCase)
            && (start.Length == opening.Length || !char.IsLetterOrDigit(start[opening.Length])));
    }
}
