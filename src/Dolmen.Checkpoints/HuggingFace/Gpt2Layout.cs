using System.Text.Json;

namespace Dolmen.Checkpoints;

internal sealed class Gpt2Layout : ConfigLayout
{
    public override string ModelType => "gpt2";

    public override string Architecture => "GPT2LMHeadModel";

    public override bool CanWrite(ModelConfig config) => config is Gpt2Config;

    public override ModelConfig Read(ConfigFields fields)
    {
        var dModel = fields.Int32("n_embd");
        return new Gpt2Config(
            fields.Int32("vocab_size"), dModel, fields.Int32("n_layer"), fields.Int32("n_head"),
            fields.Int32OrNull("n_inner") ?? (dModel <= int.MaxValue / 4 ? 4 * dModel : dModel), fields.Int32("n_positions"),
            fields.Number("layer_norm_epsilon"), fields.Flag("tie_word_embeddings"),
            fields.Activation("activation_function"), fields.Flag("scale_attn_weights"), fields.Flag("scale_attn_by_inverse_layer_idx"));
    }

    public override void Write(ModelConfig config, Utf8JsonWriter writer)
    {
        var c = (Gpt2Config)config;
        writer.WriteString("activation_function", ActivationNames.Of(c.Activation));
        writer.WriteNumber("attn_pdrop", 0.0);
        writer.WriteNumber("embd_pdrop", 0.0);
        writer.WriteNumber("initializer_range", 0.02);
        writer.WriteNumber("layer_norm_epsilon", c.NormEps);
        writer.WriteNumber("n_embd", c.DModel);
        writer.WriteNumber("n_head", c.Heads);
        writer.WriteNumber("n_inner", c.DFeedForward);
        writer.WriteNumber("n_layer", c.Layers);
        writer.WriteNumber("n_positions", c.ContextLength);
        writer.WriteNumber("resid_pdrop", 0.0);
        writer.WriteBoolean("scale_attn_by_inverse_layer_idx", c.ScaleByLayer);
        writer.WriteBoolean("scale_attn_weights", c.ScaleScores);
        writer.WriteBoolean("tie_word_embeddings", c.TieEmbeddings);
    }
}
