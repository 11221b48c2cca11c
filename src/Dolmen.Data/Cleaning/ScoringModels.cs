using Dolmen.Artifacts;
using Dolmen.Data.Languages;
using Dolmen.Data.Quality;
using Dolmen.Data.Quality.Perplexity;

namespace Dolmen.Data.Cleaning;

/// <summary>The models a recipe names, loaded: needed to measure, not to judge what was measured.</summary>
internal sealed class ScoringModels(ILanguageIdentifier identifier, IQualityScorer? quality, IPerplexity? perplexity) : IDisposable
{
    public ILanguageIdentifier Identifier => identifier;

    public IQualityScorer? Quality => quality;

    public IPerplexity? Perplexity => perplexity;

    /// <exception cref="UserErrorException">A model cannot be read.</exception>
    public static ScoringModels Load(CleaningRecipe recipe, CleaningRun run) => new(
        LanguageIdentifiers.Load(recipe.Language.Model), recipe.Quality is { } quality ? QualityModel.Load(quality.Model) : null,
        recipe.Perplexity is { } perplexity ? LoadPerplexity(perplexity.Model, run) : null);

    private static IPerplexity LoadPerplexity(string model, CleaningRun run)
    {
        if (!Directory.Exists(model))
            return NgramModel.Load(model);
        var load =
            run.LoadModel
            ?? throw new UserErrorException(
                $"perplexity.model is the folder {model}, and this program runs no language models: name an n-gram model, which 'dolmen "
                    + $"corpus train-classifier --kind perplexity' makes."
            );
        return load(model);
    }

    public void Dispose() => (perplexity as IDisposable)?.Dispose();
}
