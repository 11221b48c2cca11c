using Dolmen.Retrieval;

namespace Dolmen.Evaluation;

/// <summary>What a person would do without a model: take the asked field of the best passage that the search found.</summary>
internal static class PassageField
{
    /// <summary>Empty where the passage lacks the field.</summary>
    public static string Of(Passage passage, string field, string question) => field switch
    {
        "which" => passage.Title,
        "returns" => PassageLines.Find(passage, PassageLines.Returns) ?? "",
        "exceptions" => PassageLines.Find(passage, PassageLines.Throws) ?? "",
        "parameters" => Parameter(passage, question),
        _ => PassageLines.Find(passage, PassageLines.Summary) ?? passage.Text.Split('\n')[0],
    };

    private static string Parameter(Passage passage, string question)
    {
        foreach (var line in passage.Text.Split('\n'))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon > 0 && question.Contains($"`{line[..colon]}`", StringComparison.Ordinal)) return line[(colon + 2)..];
        }
        return "";
    }
}
