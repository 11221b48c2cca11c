namespace Dolmen.Data.Quality.Perplexity;

/// <summary>How surprised a language model is by a text: an n-gram model, or a Dolmen model wrapped by whoever can run one. Safe to call
/// from many threads at once.</summary>
public interface IPerplexity
{
    /// <summary>exp of the mean surprise in nats per token of the model (words or characters); NaN for a text without any.</summary>
    double Of(ReadOnlySpan<char> text);
}
