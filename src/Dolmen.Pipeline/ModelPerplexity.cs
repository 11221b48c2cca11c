using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Data.Quality.Perplexity;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline;

/// <summary>A language model's perplexity per token of its own, for cleaning corpora. Of a long text only the beginning is looked at. One
/// text at a time, by all threads of the model.</summary>
public sealed class ModelPerplexity(LanguageModel model, Tokenizer tokenizer) : IPerplexity, IDisposable
{
    /// <summary>The most characters of a text that are looked at: fewer already show what it is like, and a model is slow.</summary>
    public const int MaxChars = 8192;

    /// <summary>Tokens of a text that go through the model together, so that its windows share passes.</summary>
    private const int BatchTokens = 2048;

    private readonly Lock _one = new();

    /// <param name="directory">A Hugging Face folder, or a finished run or stage that contains one.</param>
    /// <exception cref="UserErrorException">No model there, or one that cannot continue plain text.</exception>
    public static ModelPerplexity Load(string directory, int? threads = null)
    {
        var (model, tokenizer) = ModelFolder.Load(directory, threads);
        if (model.Config is not DecoderConfig)
        {
            model.Dispose();
            throw new UserErrorException(
                $"perplexity.model is {directory}, an encoder–decoder, which has no perplexity of a single text: name the folder of a "
                    + $"decoder."
            );
        }
        return new ModelPerplexity(model, tokenizer);
    }

    public double Of(ReadOnlySpan<char> text)
    {
        text = text[..TextStart.Length(text, MaxChars)];
        int[] tokens = [tokenizer.Special.Bos, .. tokenizer.Encode(text)];
        if (tokens.Length < 2) return double.NaN;
        lock (_one) return Math.Exp(Surprise(tokens) / (tokens.Length - 1));
    }

    /// <summary>Nats of all tokens but the first, each predicted once: windows next to each other, of which the last reaches back to fill
    /// the context.</summary>
    private double Surprise(int[] tokens)
    {
        var context = model.Config.ContextLength;
        double nats = 0;
        foreach (var ends in Ends(tokens.Length, context).Chunk(Math.Max(1, BatchTokens / context)))
        {
            SequenceSlice[] windows = [.. ends.Select(end =>
            {
                var (start, predicted) = (Math.Max(0, end.Last - 1 - context), end.First);
                return new SequenceSlice(model.NewState(context), tokens.AsMemory(start..(end.Last - 1)))
                {
                    Targets = tokens.AsMemory(predicted..end.Last), LogProbs = new double[end.Last - predicted],
                };
            })];
            try
            {
                model.Forward(windows);
            }
            finally
            {
                foreach (var window in windows) window.State.Dispose();
            }
            foreach (var window in windows)
                foreach (var logProb in window.LogProbs.Span) nats -= logProb;
        }
        return nats;
    }

    /// <summary>The tokens from First to before Last are predicted by one window.</summary>
    private static IEnumerable<(int First, int Last)> Ends(int length, int context)
    {
        for (var first = 1; first < length; first += context) yield return (first, Math.Min(length, first + context));
    }

    public void Dispose() => model.Dispose();
}
