namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>The same text in several languages.</summary>
/// <param name="Layout">How the folder was read: lines, flores, ntrex, udhr or massive.</param>
/// <param name="Languages">By code; sentence i of each says the same.</param>
/// <param name="Words">How words are counted.</param>
public sealed record ParallelText(string Layout, IReadOnlyList<LanguageText> Languages, WordCutter Words);

/// <summary>The words of a text, punctuation left out.</summary>
/// <param name="code">The language as <see cref="LanguageText.Code"/> names it.</param>
public delegate IReadOnlyList<WordSpan> WordCutter(string text, string code);

/// <param name="IsAlphabetic">At least one of the word's characters is a letter.</param>
public readonly record struct WordSpan(int Start, int End, bool IsAlphabetic);

/// <summary>One language of a parallel text.</summary>
/// <param name="Code">As the files name it: ko, eng_Latn, cmn_hans.</param>
/// <param name="Name">Empty where the files do not say.</param>
/// <param name="Sentences">White space or nothing where the language has none.</param>
/// <param name="Files">Where each file's sentences end, and whether a line break follows the last.</param>
public sealed record LanguageText(string Code, string Name, IReadOnlyList<string> Sentences, IReadOnlyList<(int End, bool Break)> Files)
{
    public bool Has(int sentence) => !string.IsNullOrWhiteSpace(Sentences[sentence]);

    /// <summary>The files as one text: a space for every line break, and one between files.</summary>
    public string Running()
    {
        var start = 0;
        var files = new List<string>(Files.Count);
        foreach (var (end, hasBreak) in Files)
        {
            files.Add(string.Join(' ', Sentences.Take(start..end)) + (hasBreak ? " " : ""));
            start = end;
        }
        return string.Join(' ', files);
    }
}
