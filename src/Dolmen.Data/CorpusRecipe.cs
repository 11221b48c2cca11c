using Dolmen.Artifacts;

namespace Dolmen.Data;

/// <summary>How documents become a corpus and the data of alignment and evaluation.</summary>
/// <param name="HeldOutFraction">Share of the members (sections, passages) kept out of training, by stable hash of the id.</param>
/// <param name="InventedFraction">Share of the conversations without passages that ask about a name no document holds; with passages
/// it is a fixed one.</param>
/// <param name="OpenBookFraction">Share of the conversations and preferences with passages in the prompt, from which the answer is
/// copied.</param>
/// <param name="MaxOpenBook">Questions about held-out entries that are answered from passages, to measure by.</param>
/// <param name="MinAlignmentEntries">With fewer entries to ask about there is nothing to align on: those files stay empty.</param>
/// <param name="TextField">The field of JSON lines, or the column of tables, that holds the documents.</param>
/// <param name="Tokenizer">The vocabulary that <c>token_count</c> is counted with: a name, a file or a folder; null leaves the column
/// empty.</param>
/// <param name="MinSummaryChars">A shorter summary is not a multiple-choice item: too little to tell it by.</param>
public sealed record CorpusRecipe(
    double HeldOutFraction = 0.05, int MaxConversations = 40_000, int MaxPreferences = 20_000, int MaxMultipleChoice = 1_000,
    double InventedFraction = 0.125, int MinAlignmentEntries = 200, int MinSummaryChars = 15, string TextField = "text",
    string? Tokenizer = CorpusRecipe.DefaultTokenizer, double OpenBookFraction = 0.6, int MaxOpenBook = 500)
{
    /// <summary>Always at hand: it comes with the program.</summary>
    public const string DefaultTokenizer = "o200k";

    /// <summary>All that is wrong at once; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        Fraction("heldOutFraction", HeldOutFraction, 0.5);
        Fraction("inventedFraction", InventedFraction, 0.9);
        Fraction("openBookFraction", OpenBookFraction, 1);
        AtLeastZero("maxOpenBook", MaxOpenBook);
        AtLeastZero("maxConversations", MaxConversations);
        AtLeastZero("maxPreferences", MaxPreferences);
        AtLeastZero("maxMultipleChoice", MaxMultipleChoice);
        AtLeastZero("minAlignmentEntries", MinAlignmentEntries);
        AtLeastZero("minSummaryChars", MinSummaryChars);
        if (string.IsNullOrWhiteSpace(TextField))
            problems.Add("corpus.textField is empty: name the field of JSON lines, or the column of tables, that holds the documents.");
        return problems;

        void Fraction(string name, double value, double most)
        {
            if (!(value >= 0 && value <= most)) problems.Add($"corpus.{name} is {value}: it must lie between 0 and {most}.");
        }

        void AtLeastZero(string name, int value)
        {
            if (value < 0) problems.Add($"corpus.{name} is {value}: it must be 0 or more.");
        }
    }

    internal void ThrowIfInvalid()
    {
        if (Validate() is { Count: > 0 } problems) throw new UserErrorException(string.Join(' ', problems));
    }
}
