using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>Sentences that define something, wherever they stand in a section: "A cursor is a …", and the question they answer.</summary>
internal static partial class DefinitionQuestion
{
    private const int MaxWords = 4;

    private static readonly string[] One = ["What is {0}?", "Explain what {0} is.", "What do you know about {0}?"];
    private static readonly string[] Many = ["What are {0}?", "Explain what {0} are.", "What do you know about {0}?"];

    /// <summary>Words that name something only within what was said before.</summary>
    private static readonly HashSet<string> Vague = new(StringComparer.OrdinalIgnoreCase)
    {
        "example", "examples", "result", "results", "reason", "default", "value", "values", "only", "other", "problem", "idea", "point",
        "difference", "main", "same", "next", "latter", "former", "user", "case", "cases", "purpose", "effect", "way", "ways", "thing",
        "things", "first", "second", "third", "last", "one", "two", "three", "alternative", "advantage", "disadvantage", "drawback",
        "usual", "exception", "option", "options", "answer", "goal", "aim", "rule", "rules", "order", "number", "name", "names", "type",
        "solution", "limitation", "important", "common", "simplest", "easiest", "best", "typical", "possible", "new", "above", "below",
        "following", "current", "note", "question", "list", "output", "input", "format", "column", "columns", "parameter", "argument",
        "arguments", "function", "functions", "command", "setting", "there", "it", "this", "that", "these", "those", "they", "he", "she",
        "all", "each", "any", "some", "many", "most", "both", "such", "another", "if", "when", "your", "its", "their", "our", "my", "his",
        "her", "not", "no", "here", "what", "which", "how", "where", "but", "and", "so", "however", "also", "simple", "good", "key",
        "second-best", "original", "time", "limit",
    };

    public static Question? Ask(Entry entry, string salt)
    {
        var text = $"{entry.Summary}\n\n{entry.Remarks}";
        if (!AnswerSentence.IsEnglish(text)) return null;
        var found = new List<(string Prompt, string Answer)>();
        var hash = StableHash.Of($"{salt}|{QuestionKind.Definition}|{entry.Id}");
        foreach (var paragraph in ProseBlocks.Of(text))
        {
            foreach (var sentence in Sentences.Of(paragraph))
                if (AnswerSentence.Is(sentence, english: true) && Prompt(sentence, entry.Name, hash) is { } prompt)
                    found.Add((prompt, sentence));
        }
        if (found.Count == 0) return null;
        var (question, answer) = found[(int)(hash / 64 % (ulong)found.Count)];
        return new Question(entry, QuestionKind.Definition, question, answer);
    }

    private static string? Prompt(string sentence, string name, ulong hash)
    {
        if (Defines().Match(sentence) is not { Success: true } match) return null;
        var (article, subject, verb) = (match.Groups["article"].Value, match.Groups["subject"].Value, match.Groups["verb"].Value);
        var words = subject.Split(' ');
        if (words.Length > MaxWords || subject.Equals(name, StringComparison.OrdinalIgnoreCase)) return null;
        if (words.Any(w => Vague.Contains(w.Trim('`')))) return null;
        // "The planner is a …" was spoken of before; "The query planner is a …" can be asked about.
        if (article is "The" && words.Length < 2 && !TermName.IsName(subject)) return null;
        if (words.Any(w => EnglishVerbs.IsFunctionWord(w)) || words.Length > 1 && words.Skip(1).Any(w => w is "is" or "are")) return null;
        var phrase = TermName.IsName(subject) ? TopicPhrase.Marked(subject)
            : article.Length > 0 ? subject
            : TopicPhrase.Of(subject, sentence[1..]);
        var asked = article.Length > 0 ? $"{article.ToLowerInvariant()} {phrase}" : phrase;
        var phrasings = verb == "are" ? Many : One;
        return string.Format(phrasings[(int)(hash % (ulong)phrasings.Length)], asked);
    }

    // "is the best of …" judges, and says nothing about what it is.
    [GeneratedRegex(
        @"^(?:(?<article>An?|The) )?(?<subject>[\p{L}`_][\p{L}\p{Nd}_`.()/-]*(?: [\p{L}`_][\p{L}\p{Nd}_`()/-]*){0,3}) (?<verb>is|are) "
            + @"(?:an? |the (?!most |only |same |default |first |last |usual |main |one |case |way |reason |\w+est )|one of "
            + @"|simply an? |essentially an? |special |used (?:to|for|by|as) )"
    )]
    private static partial Regex Defines();
}
