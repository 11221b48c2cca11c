namespace Dolmen.Checkpoints;

public enum RecurrentCell { Lstm, Gru }

/// <summary>How well a decoder state q fits an encoder output k. <see cref="None"/>: the decoder sees the final state only (Sutskever et
/// al.
/// 2014). <see cref="Additive"/>: v·tanh(W_q q + W_k k) (Bahdanau et al. 2015). <see cref="Dot"/>: q·k, <see cref="General"/>: q·W_k k,
/// <see cref="Concat"/>: v·tanh(W [q; k] + b) (Luong et al. 2015).</summary>
public enum AttentionEnergy { None, Additive, Dot, General, Concat }

/// <summary>Where the decoder begins. <see cref="Bridge"/>: tanh(W·final + b) for every layer. <see cref="Copy"/>: each layer takes the
/// state of the encoder's layer. <see cref="Zero"/>: nothing is handed over but what attention reads.</summary>
public enum DecoderStart { Bridge, Copy, Zero }

/// <summary>A recurrent encoder–decoder (Sutskever et al. 2014; Cho et al. 2014), with attention if asked (Bahdanau et al. 2015; Luong et
/// al. 2015). Tensors are named and laid out as JoeyNMT does.</summary>
/// <param name="VocabSize">Of the target; the source has the same unless <paramref name="SourceVocabSize"/> says otherwise.</param>
/// <param name="DEncoder">State of one direction of the encoder.</param>
/// <param name="DModel">State of the decoder, and width of what the head reads.</param>
/// <param name="InputFeeding">The attentional vector of a step goes into the next one (Luong et al. 2015, §3.3).</param>
/// <param name="ReverseSource">The source is read backwards (Sutskever et al. 2014, §3.3).</param>
/// <param name="ShareEmbeddings">Source and target look up one table.</param>
/// <param name="TieEmbeddings">The head is the target's table.</param>
/// <param name="ScaleEmbeddings">What is looked up is multiplied by √dEmbedding, so that a table small enough for a tied head gives inputs
/// large enough to learn from.</param>
/// <param name="Dropout">Of embeddings, of what goes from layer to layer in the encoder, and of what the head reads, while
/// training.</param>
public sealed record Seq2SeqConfig(
    int VocabSize, int DModel, int DEmbedding, int DEncoder, int Layers, int ContextLength, RecurrentCell Cell = RecurrentCell.Lstm,
    bool Bidirectional = true, AttentionEnergy Attention = AttentionEnergy.Additive, bool InputFeeding = true,
    DecoderStart Start = DecoderStart.Bridge, bool ReverseSource = false, bool ShareEmbeddings = false, bool TieEmbeddings = false,
    int SourceVocabSize = 0, double Dropout = 0, bool ScaleEmbeddings = false) : ModelConfig
{
    public int SourceVocabulary => SourceVocabSize > 0 ? SourceVocabSize : VocabSize;

    /// <summary>Rows of a gate matrix over the width: input, forget, cell, output; or reset, update, new.</summary>
    public int Gates => Cell == RecurrentCell.Lstm ? 4 : 3;

    public int Directions => Bidirectional ? 2 : 1;

    /// <summary>Width of an encoder output: both directions side by side.</summary>
    public int DMemory => Directions * DEncoder;

    public bool HasAttention => Attention != AttentionEnergy.None;

    /// <summary>Whether the attentional vector of a step is part of the next step's input.</summary>
    public bool Feeds => HasAttention && InputFeeding;

    public override IReadOnlyList<TensorShape> Tensors()
    {
        long d = DModel, e = DEmbedding, m = DMemory;
        List<TensorShape> tensors = [new("src_embed.weight", [SourceVocabulary, e])];
        if (!ShareEmbeddings) tensors.Add(new("trg_embed.weight", [VocabSize, e]));
        for (var i = 0; i < Layers; i++)
        {
            for (var direction = 0; direction < Directions; direction++)
                AddCell("encoder", direction == 0 ? $"l{i}" : $"l{i}_reverse", DEncoder, i == 0 ? e : m);
        }
        for (var i = 0; i < Layers; i++) AddCell("decoder", $"l{i}", d, i > 0 ? d : Feeds ? e + d : e);
        if (Start == DecoderStart.Bridge)
        {
            tensors.Add(new("decoder.bridge_layer.weight", [d, m]));
            tensors.Add(new("decoder.bridge_layer.bias", [d]));
        }
        if (Attention is AttentionEnergy.Additive or AttentionEnergy.General or AttentionEnergy.Concat)
            tensors.Add(new("decoder.attention.key_layer.weight", [d, m]));
        if (Attention is AttentionEnergy.Additive or AttentionEnergy.Concat)
        {
            tensors.Add(new("decoder.attention.query_layer.weight", [d, d]));
            if (Attention == AttentionEnergy.Concat) tensors.Add(new("decoder.attention.query_layer.bias", [d]));
            tensors.Add(new("decoder.attention.energy_layer.weight", [1, d]));
        }
        if (HasAttention)
        {
            tensors.Add(new("decoder.att_vector_layer.weight", [d, d + m]));
            tensors.Add(new("decoder.att_vector_layer.bias", [d]));
        }
        if (!TieEmbeddings) tensors.Add(new("decoder.output_layer.weight", [VocabSize, d]));
        return tensors;

        void AddCell(string side, string suffix, long state, long input)
        {
            tensors.Add(new($"{side}.rnn.weight_ih_{suffix}", [Gates * state, input]));
            tensors.Add(new($"{side}.rnn.weight_hh_{suffix}", [Gates * state, state]));
            tensors.Add(new($"{side}.rnn.bias_ih_{suffix}", [Gates * state]));
            tensors.Add(new($"{side}.rnn.bias_hh_{suffix}", [Gates * state]));
        }
    }

    public override IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        void Within(string name, int value, int most)
        {
            if (value < 1 || value > most) problems.Add($"model.{name} is {value}: it must be between 1 and {most}.");
        }
        Within("vocabSize", VocabSize, 1 << 22); Within("dModel", DModel, 1 << 15); Within("dEmbedding", DEmbedding, 1 << 15);
        Within("dEncoder", DEncoder, 1 << 15); Within("layers", Layers, 64); Within("contextLength", ContextLength, 1 << 20);
        if (problems.Count > 0) return problems;
        if (SourceVocabSize < 0) problems.Add($"model.sourceVocabSize is {SourceVocabSize}: it must be 0 (as the target's) or more.");
        if (ShareEmbeddings && SourceVocabulary != VocabSize)
            problems.Add(
                $"model.shareEmbeddings is true but sourceVocabSize is {SourceVocabSize} and vocabSize {VocabSize}: one table needs one "
                    + $"vocabulary."
            );
        if (TieEmbeddings && DEmbedding != DModel)
            problems.Add(
                $"model.tieEmbeddings is true but dEmbedding is {DEmbedding} and dModel {DModel}: they must be equal. Try dEmbedding "
                    + $"{DModel}."
            );
        if (Attention == AttentionEnergy.Dot && DMemory != DModel)
            problems.Add(
                $"model.attention is dot but an encoder output is {DMemory} wide and dModel is {DModel}: they must be equal. Try general."
            );
        if (Start == DecoderStart.Copy && (Bidirectional || DEncoder != DModel))
        {
            problems.Add(
                $"model.start is copy but bidirectional is {(Bidirectional ? "true" : "false")}, dEncoder {DEncoder} and dModel {DModel}: "
                    + $"a state is copied from one direction of equal width. Try start bridge."
            );
        }
        if (Start == DecoderStart.Zero && !HasAttention)
            problems.Add("model.start is zero and attention is none: the decoder would know nothing of the source. Try start bridge.");
        if (!(Dropout is >= 0 and < 1)) problems.Add($"model.dropout is {Dropout}: it must be at least 0 and below 1.");
        return problems;
    }

    /// <summary>2 per matrix parameter that a token meets; of a pair of tokens one meets the encoder and one the decoder and the head.
    /// Attention looks at the whole source.</summary>
    public override double ForwardFlopsPerToken(int contextLength)
    {
        var embeddings = (long)SourceVocabulary * DEmbedding + (ShareEmbeddings ? 0 : (long)VocabSize * DEmbedding);
        var matrices = Parameters - embeddings + (TieEmbeddings ? (long)VocabSize * DModel : 0);
        return matrices + (HasAttention ? (double)contextLength * (DModel + DMemory) : 0);
    }

    /// <summary>States and cells of the decoder and the attentional vector, whatever the length; and for each source token what attention
    /// reads of it.</summary>
    public override long StateBytes(int tokens, int bytesPerValue)
    {
        var states = (long)Layers * DModel * (Cell == RecurrentCell.Lstm ? 2 : 1) + (Feeds ? DModel : 0);
        return bytesPerValue * (states + (HasAttention ? (long)tokens * (DModel + DMemory) : 0));
    }
}
