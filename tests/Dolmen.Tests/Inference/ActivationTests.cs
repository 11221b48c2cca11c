using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>Every activation in both engines against its plain definition, with and without a gate, and its gradient against
/// differences.</summary>
public class ActivationTests
{
    public static TheoryData<ActivationKind> Kinds => [.. Enum.GetValues<ActivationKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public unsafe void The_decoding_engines_kernel_is_the_plain_function(ActivationKind kind)
    {
        float[] x = [.. Enumerable.Range(0, 1003).Select(i => (i - 501) / 40f), 0, 30, -30, 90, -90];
        float[] y = new float[x.Length], gated = new float[x.Length];
        fixed (float* from = x, to = y, product = gated)
        {
            ActivationMath.Apply(kind, from, to, x.Length);
            ActivationMath.Gated(kind, from, from, product, x.Length);
        }
        for (var i = 0; i < x.Length; i++)
        {
            var expected = PlainActivation.Of(kind, x[i]);
            Assert.Equal(expected, y[i], 1e-6 * (1 + Math.Abs(expected)));
            Assert.Equal(expected * x[i], gated[i], 1e-6 * (1 + Math.Abs(expected)) * (1 + Math.Abs(x[i])));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_training_engines_gradient_is_the_slope(ActivationKind kind)
    {
        using var scope = NewDisposeScope();
        // No point lies on a corner of a function.
        float[] points = [.. Enumerable.Range(0, 97).Select(i => (i - 48) / 6f + 0.013f)];
        var x = tensor(points, requires_grad: true);
        var y = Activations.Apply(kind, x);
        y.sum().backward();
        var (values, slopes) = (y.data<float>().ToArray(), x.grad!.data<float>().ToArray());
        for (var i = 0; i < points.Length; i++)
        {
            const double step = 1e-4;
            Assert.Equal(PlainActivation.Of(kind, points[i]), values[i], 2e-5);
            var slope = (PlainActivation.Of(kind, points[i] + step) - PlainActivation.Of(kind, points[i] - step)) / (2 * step);
            Assert.Equal(slope, slopes[i], 2e-4);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Models_with_it_are_the_plain_definition_in_both_engines(ActivationKind kind)
    {
        foreach (
            var config in (DecoderConfig[])
                [
                    new Gpt2Config(101, 36, 2, 3, 50, 64, Activation: kind),
                    new TransformerConfig(101, 36, 2, 3, 1, 12, 50, 64, Activation: kind),
                ]
        )
        {
            var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
            var tokens = RandomModel.Tokens(30, config.VocabSize, 5);
            var expected = PlainDecoder.Logits(config, tokens);
            using var decoding = RandomModel.Build(config);
            var logits = new float[tokens.Length * config.VocabSize];
            decoding.Logits(tokens, decoding.NewState(30), logits);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            using var training = new LanguageDecoder(config, Compute.Host());
            training.Import((name, values) => RandomModel.Values(name, shapes[name], 1).CopyTo(values, 0));
            var trained = training
                .Logits(tensor(tokens.Select(token => (long)token).ToArray(), [1, tokens.Length]))
                .data<float>()
                .ToArray();
            for (var i = 0; i < logits.Length; i++)
            {
                var right = expected[i / config.VocabSize][i % config.VocabSize];
                Assert.Equal(right, logits[i], 3e-4 * (1 + Math.Abs(right)));
                Assert.Equal(right, trained[i], 3e-4 * (1 + Math.Abs(right)));
            }
        }
    }

    [Fact]
    public void Every_name_stands_for_a_function_and_every_function_has_a_name()
    {
        Assert.All(ActivationNames.All, name => Assert.NotNull(ActivationNames.Find(name)));
        Assert.All(Enum.GetValues<ActivationKind>(), kind => Assert.Equal(kind, ActivationNames.Find(ActivationNames.Of(kind))));
        Assert.Null(ActivationNames.Find("xielu"));
    }
}
