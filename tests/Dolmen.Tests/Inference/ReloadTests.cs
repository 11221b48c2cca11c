using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

/// <summary>Weights that change under a model: afterwards it is the one that was built with them.</summary>
public class ReloadTests
{
    public static TheoryData<string> Names => DecoderArchitectures.Names;

    public static TheoryData<ModelConfig> Pairs => EncoderDecoderModels.Every;

    [Theory]
    [MemberData(nameof(Names))]
    public void A_model_with_other_weights_is_the_one_built_with_them(string name)
    {
        var config = DecoderArchitectures.All[name];
        foreach (var dtype in (TensorDtype[])[TensorDtype.Float32, TensorDtype.BFloat16])
        {
            using var built = RandomModel.Build(config, seed: 2, dtype);
            using var model = RandomModel.Build(config, seed: 1, dtype);
            var tokens = RandomModel.Tokens(40, config.VocabSize, 5);
            float[] expected = new float[40 * config.VocabSize], actual = new float[expected.Length];
            using var old = model.NewState(80);
            model.Logits(tokens, old, actual);
            built.Logits(tokens, built.NewState(40), expected);
            Assert.NotEqual(expected, actual);

            model.Reload(Weights(config, 2));
            using var state = model.NewState(40);
            model.Logits(tokens, state, actual);
            Assert.Equal(expected, actual);
            var error = Assert.Throws<ArgumentException>(() => model.Step(1, old, new float[config.VocabSize]));
            Assert.Contains("another model", error.Message, StringComparison.Ordinal);
            using var file = new MemoryStream();
            state.Save(file);
            file.Position = 0;
            built.NewState(40).Load(file);                              // the states of one are those of the other
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void An_encoder_decoder_with_other_weights_is_the_one_built_with_them(ModelConfig config)
    {
        using var built = EncoderDecoderModel.Build(config, Weights(config, 2));
        using var model = EncoderDecoderModel.Build(config, Weights(config, 1));
        Assert.NotEqual(Target(built), Target(model));
        model.Reload(Weights(config, 2));
        Assert.Equal(Target(built), Target(model));

        float[] Target(EncoderDecoderModel one)
        {
            var logits = new float[5 * config.VocabSize];
            using var state = one.NewState(5);
            one.Encode([3, 4, 5, 6], state);
            one.Logits([1, 2, 3, 4, 5], state, logits);
            return logits;
        }
    }

    [Fact]
    public async Task A_scheduler_forgets_what_it_computed_with_the_old_weights()
    {
        var config = new TransformerConfig(263, 36, 2, 3, 1, 12, 50, 700);
        var bytes = new ByteTokenizer();
        using var built = RandomModel.Build(config, seed: 2);
        using var model = RandomModel.Build(config, seed: 1);
        using var scheduler = new Scheduler(model, bytes);
        var request = new GenerationRequest(
            RandomModel.Tokens(100, 256, 1), new GenerationOptions(SamplingOptions.Greedy, 30) { IgnoreEnds = true });
        var before = scheduler.Run(request);
        var underWay = scheduler.Submit(request);
        for (var pass = 0; pass < 5; pass++) scheduler.Step();
        scheduler.Reload(Weights(config, 2));
        var after = scheduler.Run(request);
        Assert.Equal(new Generator(built, bytes).Generate(request.Prompt.Span, request.Options).Tokens, after.Tokens);
        Assert.NotEqual(before.Tokens, after.Tokens);
        Assert.Equal(before.Tokens[..5], (await underWay.Result).Tokens[..5]);
    }

    private static Func<string, ReadOnlyMemory<float>> Weights(ModelConfig config, ulong seed)
    {
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        return name => RandomModel.Values(name, shapes[name], seed);
    }
}
