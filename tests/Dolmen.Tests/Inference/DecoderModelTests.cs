using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

public class DecoderModelTests
{
    // Odd on purpose: no size is a multiple of a vector or a tile.
    private static readonly TransformerConfig Odd = new(101, 36, 3, 6, 3, 6, 50, 700, TieEmbeddings: false);
    private static readonly TransformerConfig Even = new(256, 128, 2, 2, 1, 64, 96, 700);

    [Fact]
    public void A_tied_head_is_the_embedding()
    {
        var untied = Even with { TieEmbeddings = false };
        var shapes = untied.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        ReadOnlyMemory<float> Shared(string name) =>
            RandomModel.Values(name == "lm_head.weight" ? "model.embed_tokens.weight" : name, shapes[name], 1);
        using var copied = new DecoderModel(untied, Shared);
        using var tied = RandomModel.Build(Even);
        float[] a = new float[Even.VocabSize], b = new float[Even.VocabSize];
        copied.Prefill([1, 2, 3], copied.NewState(3), a);
        tied.Prefill([1, 2, 3], tied.NewState(3), b);
        Assert.Equal(a, b);
    }

    [Fact]
    public void What_does_not_fit_is_refused_before_anything_is_computed()
    {
        using var model = RandomModel.Build(Odd);
        var logits = new float[Odd.VocabSize];
        var state = model.NewState(2);
        Assert.Throws<ArgumentException>(() => model.Prefill([1, 2, 3], state, logits));
        Assert.Throws<ArgumentException>(() => model.Prefill([], state, logits));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Step(Odd.VocabSize, state, logits));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Step(-1, state, logits));
        Assert.Throws<ArgumentException>(() => model.Step(1, state, new float[3]));
        Assert.Equal(0, state.Length);
    }

    [Fact]
    public void A_state_of_another_model_is_refused()
    {
        using var one = RandomModel.Build(Odd);
        using var two = RandomModel.Build(Odd, seed: 2);
        Assert.Throws<ArgumentException>(() => one.Step(1, two.NewState(3), new float[Odd.VocabSize]));
    }

    [Fact]
    public void A_recurrent_model_reads_on_beyond_any_capacity_in_the_same_memory()
    {
        var config = MambaConfig.Of(50, 32, 2, contextLength: 16);
        using var model = RandomModel.Build(config);
        using var state = model.NewState(4);
        var logits = new float[config.VocabSize];
        model.Step(1, state, logits);
        var bytes = state.Bytes;
        model.Prefill(RandomModel.Tokens(1000, config.VocabSize, 1), state, logits);
        Assert.Equal(1001, state.Length);
        Assert.Equal(bytes, state.Bytes);
        Assert.Equal(int.MaxValue, state.Capacity);
    }

    [Fact]
    public void Memory_of_attention_grows_with_the_tokens_and_that_of_a_window_stops()
    {
        using var whole = RandomModel.Build(Even);
        using var windowed = RandomModel.Build(Even with { Window = 32 });
        var tokens = RandomModel.Tokens(600, Even.VocabSize, 1);
        var logits = new float[Even.VocabSize];
        DecodeState all = whole.NewState(100_000), few = windowed.NewState(100_000);
        whole.Prefill(tokens.AsSpan(0, 100), all, logits);
        windowed.Prefill(tokens.AsSpan(0, 200), few, logits);
        Assert.InRange(all.Bytes, Even.StateBytes(100, 4), Even.StateBytes(256, 4));
        var ring = few.Bytes;
        whole.Prefill(tokens.AsSpan(100), all, logits);
        windowed.Prefill(tokens.AsSpan(200), few, logits);
        Assert.InRange(all.Bytes, Even.StateBytes(600, 4), Even.StateBytes(1200, 4));
        Assert.Equal(ring, few.Bytes);
    }

    [Fact]
    public void Learned_positions_end_where_they_end()
    {
        var config = new Gpt2Config(50, 32, 1, 2, 64, 20);
        using var model = RandomModel.Build(config);
        Assert.Equal(20, model.NewState(1000).Capacity);
    }
}
