using Dolmen.Artifacts;
using Dolmen.Data.Readers;

namespace Dolmen.Data.Alignment;

/// <summary>What a person would ask about a page, a section or a term of a manual, and the sentence of it that answers.</summary>
internal static class SectionQuestion
{
    private static readonly string[] Does = ["What does {0} do?", "What is {0} for?", "Explain {0}.", "Describe {0} in one sentence."];
    private static readonly string[] Is = ["What is {0}?", "Explain {0}.", "Tell me about {0}.", "Describe {0} in one sentence."];
    private static readonly string[] Are = ["What are {0}?", "Explain {0}.", "Tell me about {0}.", "Describe {0} in one sentence."];
    private static readonly string[] Means = ["What does {0} mean?", "Explain {0}.", "Tell me about {0}.", "What should I know about {0}?"];

    private static readonly string[] Purpose = ["What is {0} for?", "In a few words, what is {0} for?", "Say briefly what {0} is for."];

    private static readonly string[] Says =
    [
        "What does the documentation say about {0}?",
        "What should I know about {0}?",
        "Tell me about {0}.",
        "What can you tell me about {0}?",
    ];

    private static readonly string[] Notes =
    [
        "What do the notes on {0} say?",
        "What should I note about {0}?",
        "What is worth knowing about {0}?",
    ];

    private static readonly string[] Steps = ["What do I need to know to {0}?", "What does the documentation say about how to {0}?"];

    /// <summary>Verbs that tell what to do at the beginning of a heading, and are rarely nouns there.</summary>
    private static readonly HashSet<string> Instructions = new(StringComparer.Ordinal)
    {
        "Install", "Build", "Run", "Create", "Use", "Add", "Configure", "Start", "Enable", "Disable", "Write", "Choose", "Remove", "Make",
        "Prepare", "Connect", "Upgrade", "Download", "Import", "Train",
    };

    /// <summary>Sections about all of what the page is about.</summary>
    private static readonly HashSet<string> Openings = new(StringComparer.OrdinalIgnoreCase)
    {
        "description", "overview", "introduction", "summary", "abstract", "purpose", "about", "background", "general",
    };

    private static readonly HashSet<string> Asides = new(StringComparer.OrdinalIgnoreCase)
    {
        "notes", "remarks", "caveats", "details", "advice", "discussion", "miscellaneous", "other", "others",
    };

    /// <summary>What stands in them shows or lists: no sentence of it answers a question.</summary>
    private static readonly HashSet<string> Unasked = new(StringComparer.OrdinalIgnoreCase)
    {
        "synopsis", "syntax", "see also", "references", "further reading", "contents", "table of contents", "index", "author", "authors",
        "example", "examples", "sample output", "examples and output", "files", "changelog", "links", "credits", "acknowledgements",
        "parameters", "options", "arguments", "results", "result", "commands", "functions", "methods", "properties", "history", "license",
        "licence", "tests", "testing", "rules", "status",
    };

    public static Question? Ask(Entry entry, string salt)
    {
        if (!entry.Name.Any(char.IsLetter)) return null;
        if (entry.Kind == EntryKind.Document && OneLine(entry) is { } line)
            return new Question(
                entry,
                QuestionKind.Meaning,
                Phrase(Purpose, TopicPhrase.Of(entry.Name, ""), StableHash.Of($"{salt}|{entry.Id}")),
                line
            );
        if (SectionAnswer.Find(entry) is not { Length: > 0 } answer) return null;
        var english = AnswerSentence.IsEnglish($"{entry.Summary} {entry.Remarks}");
        var hash = StableHash.Of($"{salt}|{QuestionKind.Meaning}|{entry.Id}");
        if (Prompt(entry, answer, english, hash) is not { } prompt) return null;
        return new Question(entry, QuestionKind.Meaning, prompt, answer);
    }

    /// <summary>How the topic is called in a sentence, for answers that do not know it.</summary>
    public static string Topic(Entry entry) =>
        TopicPhrase.Of(entry.Kind == EntryKind.Term ? TermName.Spoken(entry.Name) : entry.Name, entry.Summary);

    // The opening line of reference pages: "pg_dump — extract a database into a script file".
    private static string? OneLine(Entry entry)
    {
        var line = entry.Remarks.Split('\n', 2)[0];
        if (!line.StartsWith(entry.Name, StringComparison.OrdinalIgnoreCase)) return null;
        var rest = line.AsSpan(entry.Name.Length).TrimStart();
        if (rest.Length < 12 || rest[0] is not ('—' or '–' or '-')) return null;
        var phrase = rest[1..].Trim().ToString();
        if (!EnglishVerbs.IsBase(phrase.Split(' ', 2)[0]) || phrase.EndsWith('.') || phrase.Split(' ').Length < 4) return null;
        return $"{char.ToUpperInvariant(phrase[0])}{phrase[1..]}.";
    }

    private static string? Prompt(Entry entry, string answer, bool english, ulong hash)
    {
        var text = $"{answer} {entry.Remarks}";
        if (!english) return SectionTitle.IsGeneric(entry.Name) ? null : Phrase(Says, $"\"{entry.Name}\"", hash);
        if (entry.Kind == EntryKind.Document) return About(entry.Name, answer, text, "", hash);
        if (entry.Kind == EntryKind.Term) return OfTerm(entry, answer, text, hash);
        var (name, subject) = (entry.Name, entry.Subject);
        if (!SectionTitle.IsGeneric(name)) return About(name, answer, text, Place(name, subject, text, hash), hash);
        if (Unasked.Contains(name) || subject.Length == 0 || SectionTitle.IsGeneric(subject)) return null;
        if (Openings.Contains(name)) return About(subject, answer, text, "", hash);
        var of = TopicPhrase.Of(subject, text);
        if (Asides.Contains(name)) return Phrase(Notes, of, hash);
        if (name.StartsWith("return", StringComparison.OrdinalIgnoreCase)) return $"What does {of} return?";
        return Phrase(Says, $"the {name.ToLowerInvariant()} of {of}", hash);
    }

    private static string? OfTerm(Entry entry, string answer, string text, ulong hash)
    {
        var name = TermName.Spoken(entry.Name);
        var isName = TopicPhrase.IsName(name) || name.Split(' ').All(w => w.All(c => char.IsLower(c) || c is '_' or '-'));
        var term = isName ? TopicPhrase.Marked(name) : TopicPhrase.Of(name, text);
        // A setting whose name has several parts is enough by itself; "name" is not, and every command has its own "column_name".
        var known = TermName.IsName(name) && !TermName.IsName(entry.Subject) && name.AsSpan().IndexOfAny("_.") > 0 && hash / 16 % 2 == 0;
        var hasPlace = !known && entry.Subject.Length > 0 && !IsLong(entry.Subject) && !SectionTitle.IsGeneric(entry.Subject);
        var topic = hasPlace ? $"{term} in {TopicPhrase.Of(entry.Subject, text)}" : term;
        if (EnglishVerbs.IsThirdPerson(answer.Split(' ', 2)[0])) return Phrase(Does, topic, hash);
        if (IsNounPhrase(answer)) return Phrase(Is, topic, hash);
        return Phrase(SaysOf(answer, name) ?? (isName ? Means : Says), topic, hash);
    }

    // "The name of the table.", "A command to execute.": no verb before what describes the noun.
    private static bool IsNounPhrase(string answer)
    {
        var words = answer.TrimEnd('.').Split(' ');
        if (words[0] is not ("The" or "A" or "An" or "Name" or "Number")) return false;
        foreach (var word in words.Skip(1))
        {
            var bare = word.Trim(',', '(', ')');
            if (EnglishVerbs.IsFunctionWord(bare) || bare is "whose" or "used") return true;
            if (EnglishVerbs.IsAuxiliary(bare) || EnglishVerbs.IsThirdPerson(bare)) return false;
        }
        return true;
    }

    private static string? About(string name, string answer, string text, string place, ulong hash)
    {
        if (name.EndsWith('?')) return name;
        var words = name.Split(' ');
        if (words.Length > 2 && words[0] is "How" && words[1] is "to") return $"How do I {Rest(words, 2, text)}{place}?";
        var isName = TopicPhrase.IsName(name);
        var topic = TopicPhrase.Of(name, text) + place;
        if (isName && EnglishVerbs.IsThirdPerson(answer.Split(' ', 2)[0])) return Phrase(Does, topic, hash);
        if (words.Length > 1 && !isName && Instructions.Contains(words[0])) return Phrase(Steps, Rest(words, 0, text) + place, hash);
        return Phrase(SaysOf(answer, name) ?? Says, topic, hash);
    }

    /// <summary>The phrasings for a sentence whose subject is the name: what it is, or what it does. Null for other sentences.</summary>
    private static string[]? SaysOf(string answer, string name)
    {
        var bare = name.Trim('`');
        foreach (var article in (string[])["", "The ", "A ", "An "])
        {
            if (!answer.StartsWith(article, StringComparison.Ordinal)) continue;
            var from = answer.AsSpan(article.Length).TrimStart('`');
            if (!from.StartsWith(bare, StringComparison.OrdinalIgnoreCase)) continue;
            var rest = from[bare.Length..].TrimStart('`');
            if (rest.StartsWith("s ")) rest = rest[1..];
            rest = rest.TrimStart(' ');
            var end = rest.IndexOf(' ');
            var verb = (end > 0 ? rest[..end] : rest).ToString();
            if (verb is "is" or "are") return SaysWhat(rest[verb.Length..].Trim()) ? verb == "is" ? Is : Are : null;
            if (verb is "will" or "can" || EnglishVerbs.IsThirdPerson(verb)) return Does;
        }
        return null;
    }

    // "is a …", "are special …", and not "is not supported".
    private static bool SaysWhat(ReadOnlySpan<char> predicate)
    {
        var end = predicate.IndexOf(' ');
        return end > 0 && predicate[..end] is "a" or "an" or "the" or "one" or "used" or "special" or "simply" or "any" or "what" or "how";
    }

    // Short headings want their page's subject beside them; longer ones get it now and then.
    private static string Place(string name, string subject, string text, ulong hash)
    {
        if (subject.Length == 0 || IsLong(subject) || SharesWords(name, subject) || TermName.IsName(name) && name.Length > 8) return "";
        if (name.Split(' ').Length > 3 && hash / 16 % 2 == 0) return "";
        return $" in {TopicPhrase.Of(subject, text)}";
    }

    private static bool IsLong(string subject) => subject.Length > 60 || subject.Split(' ').Length > 7 || subject.EndsWith('?');

    private static bool SharesWords(string name, string subject) =>
        subject.Split(' ').Any(word => word.Length > 3 && name.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static string Rest(string[] words, int from, string text) => TopicPhrase.Of(string.Join(' ', words[from..]), text);

    private static string Phrase(string[] phrasings, string topic, ulong hash) =>
        string.Format(phrasings[(int)(hash % (ulong)phrasings.Length)], topic);
}
