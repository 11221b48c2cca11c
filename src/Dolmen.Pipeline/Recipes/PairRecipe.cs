using Dolmen.Checkpoints;

namespace Dolmen.Pipeline.Recipes;

/// <summary>What an encoder–decoder has besides width and layers. The first eleven belong to <c>seq2seq</c>, dropout to both, the last
/// three to
/// <c>encoder-decoder</c>.</summary>
/// <param name="DEmbedding">The model's width when left out.</param>
/// <param name="DEncoder">State of one direction of the encoder; the model's width over the directions when left out.</param>
/// <param name="EncoderLayers">As many as the decoder's when left out.</param>
/// <param name="Sinusoidal">Sines and cosines added to the embedding instead of rotary positions.</param>
/// <param name="LayerNorm">Instead of RMSNorm.</param>
public sealed record PairRecipe(
    RecurrentCell Cell = RecurrentCell.Lstm,
    bool Bidirectional = true,
    AttentionEnergy Attention = AttentionEnergy.Additive,
    bool InputFeeding = true,
    DecoderStart Start = DecoderStart.Bridge,
    bool ReverseSource = false,
    bool ShareEmbeddings = true,
    int? DEmbedding = null,
    int? DEncoder = null,
    double Dropout = 0,
    bool ScaleEmbeddings = true,
    int? EncoderLayers = null,
    bool Sinusoidal = false,
    bool LayerNorm = false
)
{
    public static PairRecipe Of(Seq2SeqConfig c) =>
        new(
            c.Cell,
            c.Bidirectional,
            c.Attention,
            c.InputFeeding,
            c.Start,
            c.ReverseSource,
            c.ShareEmbeddings,
            c.DEmbedding,
            c.DEncoder,
            c.Dropout,
            c.ScaleEmbeddings
        );

    public static PairRecipe Of(EncoderDecoderConfig c) => new(Dropout: c.Dropout, EncoderLayers: c.EncoderLayers,
        Sinusoidal: c.Positions == PairPositions.Sinusoidal, LayerNorm: c.Norm == NormKind.Layer);

    internal Seq2SeqConfig Seq2Seq(ModelRecipe m, int vocabSize, int contextLength)
    {
        var width = m.DModel ?? 0;
        return new Seq2SeqConfig(
            vocabSize,
            width,
            DEmbedding ?? width,
            DEncoder ?? (Bidirectional ? width / 2 : width),
            m.Layers ?? 0,
            contextLength,
            Cell,
            Bidirectional,
            Attention,
            InputFeeding,
            Start,
            ReverseSource,
            ShareEmbeddings,
            m.TieEmbeddings,
            Dropout: Dropout,
            ScaleEmbeddings: ScaleEmbeddings
        );
    }

    internal EncoderDecoderConfig EncoderDecoder(ModelRecipe m, int vocabSize, int contextLength)
    {
        var (width, layers) = (m.DModel ?? 0, m.Layers ?? 0);
        return new EncoderDecoderConfig(
            vocabSize,
            width,
            EncoderLayers ?? layers,
            layers,
            m.Heads ?? 1,
            m.DFeedForward ?? (width * 8 / 3 + 31) / 32 * 32,
            contextLength,
            Sinusoidal ? PairPositions.Sinusoidal : PairPositions.Rotary,
            LayerNorm ? NormKind.Layer : NormKind.Rms,
            m.NormEps,
            m.RopeTheta,
            Dropout
        );
    }
}
