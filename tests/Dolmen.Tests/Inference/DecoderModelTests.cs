using CsCheck;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

public class DecoderModelTests
{
    // Odd on purpose: no size is a multiple of a vector or a tile.
    private static readonly TransformerConfig Odd = new(101, 36, 3, 6, 3, 6, 50, 700, TieEmbeddings: false);
    private static readonly TransformerConfig Even = new(256, 128, 2, 2, 1, 64, 96, 700);

    [Theory]
    [InlineData(TensorDtype.Float32)]
    [InlineData(TensorDtype.BFloat16)]
    public void However_a_prompt_is_cut_the_logits_are_the_same_bits(TensorDtype dtype)
    {
        foreach (var config in (TransformerConfig[])[Odd, Even])
        {
            using var model = RandomModel.Build(config, dtype: dtype);
            var tokens = RandomModel.Tokens(330, config.VocabSize, 5);
            var expected = new float[config.VocabSize];
            model.Prefill(tokens, model.NewState(400), expected);
            Gen.Int[1, 200].Array[0, 5].Sample(cuts =>
            {
                var state = model.NewState(330);
                var actual = new float[config.VocabSize];
                var at = 0;
                foreach (var cut in cuts.Append(tokens.Length))
                {
                    var count = Math.Min(cut, tokens.Length - at);
                    if (count == 1) model.Step(tokens[at], state, actual);
                    else if (count > 1) model.Prefill(tokens.AsSpan(at, count), state, actual);
                    at += count;
                }
                return actual.AsSpan().SequenceEqual(expected);
            }, iter: 10, threads: 1);
        }
    }

    [Fact]
    public void Decoding_with_a_cache_matches_prefill()
    {
        using var model = RandomModel.Build(Odd);
        var tokens = RandomModel.Tokens(70, Odd.VocabSize, 6);
        float[] stepped = new float[Odd.VocabSize], whole = new float[Odd.VocabSize];
        var state = model.NewState(70);
        for (var t = 0; t < tokens.Length; t++)
        {
            model.Step(tokens[t], state, stepped);
            model.Prefill(tokens.AsSpan(0, t + 1), model.NewState(70), whole);
            Assert.Equal(whole, stepped);
        }
    }

    [Fact]
    public void Log_probabilities_are_the_log_softmax_of_the_logits_at_every_position()
    {
        using var model = RandomModel.Build(Odd);
        var tokens = RandomModel.Tokens(300, Odd.VocabSize, 8);
        var targets = RandomModel.Tokens(300, Odd.VocabSize, 9);
        var actual = new float[300];
        var scored = model.NewState(300);
        model.LogProbs(tokens.AsSpan(0, 17), targets.AsSpan(0, 17), scored, actual.AsSpan(0, 17));
        model.LogProbs(tokens.AsSpan(17), targets.AsSpan(17), scored, actual.AsSpan(17));
        var state = model.NewState(300);
        var logits = new float[Odd.VocabSize];
        for (var t = 0; t < tokens.Length; t++)
        {
            model.Step(tokens[t], state, logits);
            Assert.Equal(logits[targets[t]] - Math.Log(logits.Sum(x => Math.Exp(x))), actual[t], 1e-5);
        }
    }

    [Fact]
    public void Forks_go_their_own_way_and_truncation_goes_back()
    {
        using var model = RandomModel.Build(Odd);
        var tokens = RandomModel.Tokens(40, Odd.VocabSize, 3);
        float[] first = new float[Odd.VocabSize], second = new float[Odd.VocabSize], expected = new float[Odd.VocabSize];
        var state = model.NewState(40);
        model.Prefill(tokens.AsSpan(0, 21), state, first);
        var fork = state.Fork();
        model.Prefill(tokens.AsSpan(30, 5), state, first);                       // must not show in the fork
        model.Prefill(tokens.AsSpan(21, 5), fork, second);
        model.Prefill(tokens.AsSpan(0, 26), model.NewState(40), expected);
        Assert.Equal(expected, second);
        Assert.NotEqual(expected, first);
        state.Truncate(21);
        model.Prefill(tokens.AsSpan(21, 5), state, first);
        Assert.Equal(expected, first);
    }

    [Fact]
    public void The_number_of_threads_does_not_show()
    {
        using var one = RandomModel.Build(Even, threads: 1);
        using var many = RandomModel.Build(Even);
        var tokens = RandomModel.Tokens(300, Even.VocabSize, 4);
        float[] a = new float[Even.VocabSize], b = new float[Even.VocabSize];
        one.Prefill(tokens, one.NewState(300), a);
        many.Prefill(tokens, many.NewState(300), b);
        Assert.Equal(a, b);
    }

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
}
