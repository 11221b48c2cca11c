using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Pipeline;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Inference;

namespace Dolmen.Tests.Pipeline;

public class PerplexityOfModels
{
    private const int Context = 16;

    private static readonly TransformerConfig Config = new(263, 36, 2, 6, 3, 6, 50, Context);

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(50)]
    public void Every_token_is_predicted_once_from_as_much_as_the_context_holds(int length)
    {
        using var model = RandomModel.Build(Config);
        var tokenizer = new Fakes.ByteTokenizer();
        var text = new string([.. RandomModel.Tokens(length, 26, 5).Select(t => (char)('a' + t))]);
        int[] tokens = [tokenizer.Special.Bos, .. tokenizer.Encode(text)];
        double nats = 0;
        var logits = new float[Config.VocabSize];
        for (var i = 1; i < tokens.Length; i++)
        {
            // As lm-eval's rolling windows: disjoint, the last one reaching back.
            var end = Math.Min(tokens.Length, (((i - 1) / Context) + 1) * Context + 1);
            var start = Math.Max(0, end - 1 - Context);
            using var state = model.NewState(Context);
            model.Prefill(tokens.AsSpan(start..i), state, logits);
            nats += Math.Log(logits.Sum(l => Math.Exp(l))) - logits[tokens[i]];
        }
        var perplexity = new ModelPerplexity(model, tokenizer);
        Assert.Equal(Math.Exp(nats / length), perplexity.Of(text), 1e-3 * Math.Exp(nats / length));
        var alone = perplexity.Of(text);
        var together = new double[8];
        Parallel.For(0, together.Length, i => together[i] = perplexity.Of(i % 2 == 0 ? text : text + "z"));
        Assert.All(together.Where((_, i) => i % 2 == 0), value => Assert.Equal(alone, value));
    }

    [Fact]
    public void An_empty_text_has_none_and_a_long_one_is_its_beginning()
    {
        using var model = RandomModel.Build(Config);
        var perplexity = new ModelPerplexity(model, new Fakes.ByteTokenizer());
        Assert.True(double.IsNaN(perplexity.Of("")));
        var text = string.Concat(Enumerable.Repeat("stones ", ModelPerplexity.MaxChars / 7 + 1))[..(ModelPerplexity.MaxChars - 1)];
        Assert.Equal(perplexity.Of(text), perplexity.Of(text + "\U0001F5FF and more"));
    }

    [Fact]
    public void A_folder_without_a_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<UserErrorException>(() => ModelPerplexity.Load(folder.Path));
    }
}
