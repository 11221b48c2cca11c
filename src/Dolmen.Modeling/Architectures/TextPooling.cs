// B batch, T sequence, N rows (= B·T), D model, S texts
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Architectures;

/// <summary>One hidden state for each text.</summary>
internal static class TextPooling
{
    /// <summary>x (N, D) → (S, D), text by text, padding left out.</summary>
    /// <param name="segments">The texts of tokens (B, T); null takes every row as one text without padding.</param>
    public static Tensor Of(Pooling pooling, Tensor x, Tensor tokens, Segments? segments)
    {
        using var scope = NewDisposeScope();
        var (rows, length) = (tokens.shape[0], tokens.shape[1]);
        if (segments is null)
        {
            var whole = x.view(rows, length, -1);                               // (B, T, D)
            return (pooling == Pooling.Last ? whole.select(1, length - 1) : Mean(whole, 1)).MoveToOuterDisposeScope();       // (B, D)
        }
        var texts = Enumerable.Range(0, segments.Count).Where(i => !segments.All[i].Padding)
            .Select(i => (First: (long)segments.FirstPosition(i), Length: (long)segments.All[i].Length)).ToArray();
        if (pooling == Pooling.Last)
        {
            long[] last = [.. texts.Select(text => text.First + text.Length - 1)];
            return x.index_select(0, tensor(last, device: x.device)).MoveToOuterDisposeScope();              // (S, D)
        }
        return stack([.. texts.Select(text => Mean(x.narrow(0, text.First, text.Length), 0))], 0).MoveToOuterDisposeScope();
    }

    private static Tensor Mean(Tensor x, long dimension) => x.to(ScalarType.Float32).mean([dimension]).to(x.dtype);
}
