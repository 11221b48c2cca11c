using Dolmen.Artifacts;

namespace Dolmen.Inference;

/// <summary>Guesses the next tokens of texts and lets one pass of the model check several of them (Leviathan et al. 2023; Chen et al.
/// 2023). Texts are the same to the last token with and without, at any temperature: a guess is kept where the token drawn at its place,
/// with the text's own random number and all its rules, is that very token. A pass gives a row the same bits as a step would, so this is
/// what would have been drawn. A guess without alternatives, as prompt lookup makes them, is kept as often as the rejection rule of the
/// papers keeps it; the draws of a draft model less often, but that rule changes what a seed gives.
/// <para>Guesses are what followed the last tokens where they stood earlier in the text (prompt lookup, Saxena 2023), or what a
/// <see cref="DraftModel"/> says. How many are tried follows from how often they were right and from what passes of so many rows took;
/// where checking costs more than it brings, none are. Models whose positions are scaled by the text's length do without.</para></summary>
/// <param name="MaxDrafts">Most guesses for a text in one pass; with the token before them they fill a tile of the matrix
/// products.</param>
/// <param name="MinMatch">Tokens that must stand earlier in the text for what followed them to be a guess.</param>
public sealed record Speculation(int MaxDrafts = 11, int MinMatch = 2)
{
    /// <summary>States keep what they need to go back so far.</summary>
    public const int MostDrafts = 15;

    /// <summary>A smaller model with the same vocabulary that guesses instead of the text itself; see
    /// <see cref="DraftVocabulary.Check"/>. It is the scheduler's alone and remains its owner's to dispose of.</summary>
    public LanguageModel? DraftModel { get; init; }

    /// <summary>Checks all guesses that there are, whatever that costs: for tests and measurements.</summary>
    public bool Always { get; init; }

    /// <exception cref="UserErrorException">A number is out of its range.</exception>
    public void Validate()
    {
        if (MaxDrafts is < 1 or > MostDrafts)
            throw new UserErrorException($"The number of drafts is {MaxDrafts}: it must be between 1 and {MostDrafts}.");
        if (MinMatch is < 1 or > PromptLookup.LongestMatch)
            throw new UserErrorException($"The shortest match is {MinMatch}: it must be between 1 and {PromptLookup.LongestMatch}.");
    }
}
