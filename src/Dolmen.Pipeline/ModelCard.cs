using Dolmen.Checkpoints;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Pipeline.Recipes;

namespace Dolmen.Pipeline;

/// <summary>The exported model's README: what it is, of what it was made, how good it is, where it was made.</summary>
internal static class ModelCard
{
    public static string Markdown(
        PipelineResult result,
        PipelineRecipe recipe,
        CorpusReport corpus,
        string evaluationTable,
        string inputsSha256,
        string folder
    )
    {
        var stages = string.Join(
            " → ",
            result.Training.Select(stage => $"{stage.Key} ({stage.Value.Tokens:N0} tokens, loss {stage.Value.Loss:0.000})")
        );
        var source =
            recipe.Inputs.Count == 0 ? "the XML API documentation of the .NET SDK's reference packs" : "documents named by whoever made it";
        const string license = "other";
        var config = HuggingFaceFolder.LoadConfig(folder);
        return $"""
            ---
            {ModelCardUsage.FrontMatter(config, license).TrimEnd()}
            tags: [dolmen]
            ---

            # {Path.GetFileName(result.Out)}

            {Capitalized(config.Describe())} with {result.Parameters:N0} parameters and a context of {recipe.Training.ContextLength} tokens,
            kept in files of type `{HuggingFaceFolder.ModelType(config)}`, built by Dolmen on one machine.
            It knows only its corpus: it is a study object and a domain model, not a general assistant, and its answers can be wrong.

            {ModelCardUsage.Markdown(config, license, HuggingFaceFolder.LoadSpecialTokenIds(folder).Bos).TrimEnd()}

            ## Data

            {corpus.Documents:N0} documents with {corpus.Characters:N0} characters from {source} (SHA-256 of the input `{inputsSha256}`).
            {corpus.HeldOut:N0} entries were held out of all training by stable hash and are what the evaluation uses.

            ## Training

            {stages}. Seed {result.Seed}. The resolved recipe of the run repeats it bit for bit on the same machine and thread count.

            ## Evaluation

            {evaluationTable.Trim()}

            ## Machine

            {result.Machine.CpuModel}, {result.Machine.Cores} cores, {result.Machine.MemoryBytes
                / 1e9:0.0} GB, {result.Machine.OperatingSystem}, {result.Machine.Runtime}{(
                result.Commit is { } commit ? $", Dolmen commit {commit}" : ""
            )}.

            """;
    }

    private static string Capitalized(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
