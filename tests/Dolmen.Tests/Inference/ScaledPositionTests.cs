using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>Rotary scalings and windows on some layers, in both engines, against the plain definition in double precision. Where the
/// scaling looks at the sequence's length, the tokens of a call turn as in a sequence that ends with that call, and keys stay as they were
/// turned:
/// what transformers does with a cache.</summary>
public class ScaledPositionTests
{
    private const int Length = 90;

    private static readonly TransformerConfig Plain = new(101, 36, 2, 3, 1, 12, 50, 128);

    private static readonly double[] Short = [1, 1.05, 1.1, 1.3, 1.5, 2];
    private static readonly double[] Long = [1.2, 1.6, 2.5, 4, 6, 9];

    private static readonly Dictionary<string, TransformerConfig> Configs = new()
    {
        ["dynamic"] = Plain with { RopeScaling = new DynamicScaling(4, 32) },
        ["dynamic, other base"] = Plain with { RopeTheta = 500, RopeScaling = new DynamicScaling(2.5, 40) },
        ["longrope"] = Plain with { RopeScaling = new LongRopeScaling(4, 32, Short, Long) },
        ["longrope, own temperature"] = Plain with { RopeScaling = new LongRopeScaling(4, 32, Short, Long, 1.37) },
        ["longrope in a window"] = Plain with { RopeScaling = new LongRopeScaling(4, 32, Short, Long), Window = 9 },
        ["yarn"] = Plain with { RopeScaling = new YarnScaling(4, 32) },
        ["yarn, other ramp"] = Plain with { RopeTheta = 700, RopeScaling = new YarnScaling(3, 48, 8, 0.5, 1.21, Truncate: false) },
        ["linear"] = Plain with { RopeScaling = new LinearScaling(3) },
        ["llama3"] = Plain with { RopeScaling = new Llama3Scaling(8, 1, 4, 64) },
        ["windows on the last layers"] = Plain with { Layers = 3, Window = 7, WindowLayers = "FSS" },
        ["windows on every other layer"] = Plain with { Layers = 4, Window = 17, WindowLayers = "SFSF", QkvBias = true },
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    [Theory, MemberData(nameof(Names))]
    public void The_decoding_engine_computes_the_plain_definition_at_once_and_step_by_step(string name)
    {
        var config = Configs[name];
        var tokens = RandomModel.Tokens(Length, config.VocabSize, 5);
        using var model = RandomModel.Build(config);
        var row = new float[config.VocabSize];
        // Calls of one token each, of a prompt and then one each, of all, and of two prompts that both pass the trained context.
        foreach (
            var calls in (int[][])
                [
                    [.. Enumerable.Repeat(1, Length)],
                    [20, .. Enumerable.Repeat(1, Length - 20)],
                    [Length],
                    [40, 1, Length - 41],
                ]
        )
        {
            var ends = calls.Select((_, i) => calls.Take(i + 1).Sum()).ToArray();
            var expected = PlainDecoder.Logits(config, tokens, position => ends.First(end => end > position));
            using var state = model.NewState(Length);
            foreach (var end in ends)
            {
                model.Prefill(tokens.AsSpan(state.Length, end - state.Length), state, row);
                for (var v = 0; v < row.Length; v++) Assert.Equal(expected[end - 1][v], row[v], 2e-4);
            }
        }
    }

    [Fact]
    public void A_prompt_longer_than_one_pass_turns_by_its_whole_length()
    {
        var config = Plain with { RopeScaling = new DynamicScaling(16, 32), ContextLength = 512 };
        var tokens = RandomModel.Tokens(400, config.VocabSize, 6);
        using var model = RandomModel.Build(config);
        var row = new float[config.VocabSize];
        model.Prefill(tokens, model.NewState(400), row);
        var expected = PlainDecoder.Logits(config, tokens)[^1];
        for (var v = 0; v < row.Length; v++) Assert.Equal(expected[v], row[v], 3e-4);
    }

    [Fact]
    public void Two_sequences_of_different_lengths_do_not_disturb_each_other()
    {
        var config = Configs["dynamic"];
        var tokens = RandomModel.Tokens(Length, config.VocabSize, 7);
        using var model = RandomModel.Build(config);
        float[] alone = new float[config.VocabSize], beside = new float[config.VocabSize];
        using (var state = model.NewState(Length))
        {
            for (var i = 0; i < 50; i++) model.Step(tokens[i], state, alone);
        }
        using DecodeState first = model.NewState(Length), second = model.NewState(Length);
        for (var i = 0; i < 50; i++)
        {
            model.Step(tokens[i], first, beside);
            model.Step(tokens[^(i + 1)], second, new float[config.VocabSize]);
            if (i == 30) model.Prefill(tokens.AsSpan(0, 35), second, new float[config.VocabSize]);
        }
        Assert.Equal(alone, beside);
    }

    [Theory, MemberData(nameof(Names))]
    public void The_training_engine_computes_the_plain_definition(string name)
    {
        var config = Configs[name];
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        var tokens = RandomModel.Tokens(Length, config.VocabSize, 5);
        foreach (var compute in (Compute[])[Compute.Host(), Compute.Torch()])
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            using var model = new LanguageDecoder(config, compute);
            model.Import((tensorName, values) => RandomModel.Values(tensorName, shapes[tensorName], 1).CopyTo(values, 0));
            foreach (var length in (int[])[Length, 20, Length, 60])
            {
                var logits = model
                    .Logits(tensor(tokens[..length].Select(token => (long)token).ToArray(), [1, length]))
                    .data<float>()
                    .ToArray();
                var expected = PlainDecoder.Logits(config, tokens[..length]);
                for (var i = 0; i < logits.Length; i++) Assert.Equal(expected[i / config.VocabSize][i % config.VocabSize], logits[i], 2e-4);
            }
        }
    }

    [Fact]
    public void Equal_factors_make_equal_models()
    {
        var one = new LongRopeScaling(4, 32, [.. Short], [.. Long]);
        Assert.Equal(one, new LongRopeScaling(4, 32, [.. Short], [.. Long]));
        Assert.NotEqual(one, new LongRopeScaling(4, 32, [.. Long], [.. Short]));
        Assert.Contains("1.05", one.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Factors_of_another_number_than_pairs_are_refused()
    {
        var config = Plain with { RopeScaling = new LongRopeScaling(4, 32, Short, [1, 2]) };
        Assert.Contains("6 short and 2 long factors", Assert.Single(config.Problems()), StringComparison.Ordinal);
        Assert.Contains(
            "one letter",
            Assert.Single((Plain with { Window = 4, WindowLayers = "SFS" }).Problems()),
            StringComparison.Ordinal
        );
    }
}
