using Dolmen.Inference.Kernels;

namespace Dolmen.Inference;

/// <summary>How likely the model found a token, before temperature and any other sampling option.</summary>
/// <param name="Logprob">Its natural-log probability; null for a first token, before which nothing was known.</param>
/// <param name="Top">The likeliest tokens there, likeliest first, lower ids before higher ones among equals.</param>
public sealed record TokenLogprob(int Token, double? Logprob, IReadOnlyList<(int Token, double Logprob)> Top)
{
    /// <param name="logits">All that the probability is shared among, (VocabSize).</param>
    /// <param name="drawable">Ids from here on are padding of the vocabulary and are never among the likeliest.</param>
    internal static TokenLogprob Of(ReadOnlySpan<float> logits, int drawable, int token, int top)
    {
        var norm = Probabilities.LogSumExp(logits);
        var likeliest = new List<(int Token, double Logprob)>(top + 1);
        for (var id = 0; top > 0 && id < Math.Min(drawable, logits.Length); id++)
        {
            // Most ids leave here: compared before anything is computed of them.
            if (likeliest.Count == top && logits[id] <= logits[likeliest[^1].Token]) continue;
            var logprob = logits[id] - norm;
            var at = likeliest.Count;
            while (at > 0 && likeliest[at - 1].Logprob < logprob) at--;
            likeliest.Insert(at, (id, logprob));
            if (likeliest.Count > top) likeliest.RemoveAt(top);
        }
        return new TokenLogprob(token, logits[token] - norm, likeliest);
    }
}
