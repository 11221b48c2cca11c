using System.Numerics;
using Dolmen.Data.Alignment;

namespace Dolmen.Data.Building;

/// <summary>What a report says of how a corpus was made.</summary>
internal static class CorpusRules
{
    public static List<string> Of(CorpusRecipe recipe) =>
        [
            $"An entry that is not a type or a title is held out when the stable hash of its id, as a fraction, is below "
                + $"{recipe.HeldOutFraction}.",
            "Of entries with the same id, signature or text one is kept, the first with a summary in ordinal order of files.",
            MultipleChoice.Rule(recipe),
            $"{recipe.OpenBookFraction:P1} of the conversations and preferences have passages in the prompt.",
            $"Questions without passages: {Mix(QuestionPool.Mix)}; {recipe.InventedFraction:P1} of these conversations ask about invented "
                + "names.",
            $"Questions with passages: {Mix(OpenBookQuestion.Mix)}; {OpenBookExamples.InventedShare:P1} of these conversations begin with "
                + $"an invented name and {OpenBookExamples.MissingShare:P1} with one whose passage is missing.",
            $"Rejected answers without passages: {Mix(AlignmentRules.PreferenceMix)}.",
            $"Rejected answers with passages: {Mix(OpenBookExamples.PreferenceMix)}.",
            "An invented name joins words of real names in the shape of a real entry; it is never a real one, and those of the evaluation "
                + "are in no training file.",
        ];

    public static List<LengthBucket> Lengths(IReadOnlyList<string> texts)
    {
        var buckets = texts.GroupBy(text => (long)BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, text.Length)));
        return [.. buckets.OrderBy(b => b.Key).Select(b => new LengthBucket(b.Key, b.Count()))];
    }

    private static string Mix(IReadOnlyList<(QuestionKind Kind, double Share)> mix) =>
        Mix([.. mix.Select(part => (part.Kind.ToString().ToLowerInvariant(), part.Share))]);

    private static string Mix(IReadOnlyList<(string Name, double Share)> mix) =>
        string.Join(", ", mix.Select(part => $"{part.Name} {part.Share:P0}"));
}
