using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;

namespace Dolmen.Tests.Modeling;

/// <summary>Initial values against the moments that their rules say, on models large enough to measure them.</summary>
public class InitializersTests
{
    private static readonly DecoderConfig[] Models =
    [
        new TransformerConfig(512, 128, 3, 4, 2, 32, 256, 64, TieEmbeddings: false, AttentionBias: true, MlpBias: true),
        new Gpt2Config(512, 128, 2, 4, 512, 64),
        new MambaConfig(512, 128, 2, 64, 256, 8, 16, 4),
    ];

    [Theory, InlineData(0, 14), InlineData(1, 10), InlineData(2, 7)]
    public void Matrices_have_the_deviations_of_their_rules(int index, int matrices)
    {
        using var model = new LanguageDecoder(Models[index], Compute.Host());
        model.Parameters.Initialize(7);
        var plan = Models[index].Plan();
        var parts = plan.Blocks.Count + plan.Blocks.Count(block => block.FeedForward is not null);
        var checkedMatrices = 0;
        foreach (var spec in model.Parameters.Layout.Select(entry => entry.Spec).Where(spec => spec.Shape.Length == 2))
        {
            double? rule = spec.Name switch
            {
                _ when spec.Group is ParameterGroup.Embedding or ParameterGroup.Head => 0.02,
                _ when IsResidual(spec.Name) => 0.02 / Math.Sqrt(parts),
                _ when spec.Name.Contains("q_proj", StringComparison.Ordinal) || spec.Name.Contains("c_attn", StringComparison.Ordinal)
                    || spec.Name.Contains("gate_proj", StringComparison.Ordinal) || spec.Name.Contains("c_fc", StringComparison.Ordinal)
                    => 0.02,
                // A uniform number within ±b has the deviation b/√3.
                _ when spec.Name.Contains("in_proj", StringComparison.Ordinal) || spec.Name.Contains("x_proj", StringComparison.Ordinal)
                    => 1 / Math.Sqrt(3.0 * spec.Shape[1]),
                _ => null,
            };
            if (rule is not { } deviation) continue;
            checkedMatrices++;
            var weights = model.Parameters.Weights(spec.Name).ToArray();
            var measured = Math.Sqrt(weights.Average(weight => (double)weight * weight));
            Assert.Equal(1, measured / deviation, 0.06);                                 // 1/√(2n) of it at n ≥ 1000 weights
            Assert.InRange(weights.Average(weight => (double)weight), -4 * deviation / Math.Sqrt(weights.Length),
                4 * deviation / Math.Sqrt(weights.Length));
        }
        Assert.Equal(matrices, checkedMatrices);
    }

    [Fact]
    public void Norms_start_as_ones_and_biases_as_zeros()
    {
        using var model = new LanguageDecoder(Models[1], Compute.Host());
        model.Parameters.Initialize(7);
        var vectors = model.Parameters.Layout.Select(entry => entry.Spec).Where(spec => spec.Group == ParameterGroup.Vector).ToList();
        Assert.Equal(2 * 8 + 2, vectors.Count);              // two norms and four biases a layer, and the last norm
        foreach (var spec in vectors)
        {
            var expected = spec.Name.Contains("ln_", StringComparison.Ordinal) && spec.Name.EndsWith("weight", StringComparison.Ordinal)
                ? 1f : 0f;
            Assert.All(model.Parameters.Weights(spec.Name).ToArray(), weight => Assert.Equal(expected, weight));
        }
    }

    private static bool IsResidual(string name) =>
        new[] { "o_proj", "down_proj", "out_proj", "attn.c_proj", "mlp.c_proj" }
            .Any(part => name.Contains(part, StringComparison.Ordinal));
}
