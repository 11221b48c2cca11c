using System.Runtime.InteropServices;
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

    private readonly Lock _one = new();
    private readonly List<int> _tokens = [];

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
        if (text.Length > MaxChars) text = text[..(char.IsHighSurrogate(text[MaxChars - 1]) ? MaxChars - 1 : MaxChars)];
        lock (_one)
        {
            _tokens.Clear();
            _tokens.Add(tokenizer.Special.Bos);
            tokenizer.Encode(text, _tokens);
            var tokens = CollectionsMarshal.AsSpan(_tokens);
            return tokens.Length < 2 ? double.NaN : Math.Exp(Surprise(tokens) / (tokens.Length - 1));
        }
    }

    /// <summary>Nats of all tokens but the first, each predicted once: windows next to each other, of which the last reaches back to fill
    /// the context.</summary>
    private double Surprise(ReadOnlySpan<int> tokens)
    {
        var context = model.Config.ContextLength;
        var logProbs = new float[Math.Min(context, tokens.Length - 1)];
        double nats = 0;
        for (var predicted = 1; predicted < tokens.Length;)
        {
            var end = Math.Min(tokens.Length, predicted + context);
            var start = Math.Max(0, end - 1 - context);
            using var state = model.NewState(context);
            var window = logProbs.AsSpan(0, end - 1 - start);
            model.LogProbs(tokens[start..(end - 1)], tokens[(start + 1)..end], state, window);
            foreach (var logProb in window[(predicted - 1 - start)..]) nats -= logProb;
            predicted = end;
        }
        return nats;
    }

    public void Dispose() => model.Dispose();
}
