using Dolmen.Retrieval;

namespace Dolmen.Evaluation;

/// <summary>What a person would do without a model: take the asked field of the best passage that the search found.</summary>
internal static class PassageField
{
    private static readonly string[] Returns = ["Returns: ", "Value: "];

    /// <summary>Empty where the passage lacks the field.</summary>
    public static string Of(Passage passage, string field, string question)
    {
        var lines = passage.Text.Split('\n');
        return field switch
        {
            "which" => $"`{passage.Title}`",
            "returns" => After(lines, Returns),
            "exceptions" => string.Join('\n', lines.Where(line => line.StartsWith("Throws ", StringComparison.Ordinal))),
            "parameters" => Parameter(lines, question),
            _ => lines[0],
        };
    }

    private static string After(string[] lines, string[] openings)
    {
        foreach (var line in lines)
        foreach (var opening in openings)
            if (line.StartsWith(opening, StringComparison.Ordinal)) return line[opening.Length..];
        return "";
    }

    private static string Parameter(string[] lines, string question)
    {
        foreach (var line in lines)
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon > 2 && line.StartsWith("- ", StringComparison.Ordinal)
                && question.Contains($"`{line[2..colon]}`", StringComparison.Ordinal)) return line[(colon + 2)..];
        }
        return "";
    }
}
