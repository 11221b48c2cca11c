using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Training.Optimizers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class SequenceClassifierTests
{
    private const int Length = 128, Batch = 16;

    [Theory]
    [InlineData(StateSpaceStart.LegS)]
    [InlineData(StateSpaceStart.DiagonalLin)]
    public void S4_learns_which_of_two_symbols_came_first(StateSpaceStart start)
    {
        using var model = new SequenceClassifier(new S4Config(3, 24, 2, Length, 0, 16, start), 2);
        model.Initialize(1);
        var recipe = new AdamWRecipe(2e-2, 0, 0.9, 0.98, StateSpaceLearningRate: 1e-2);
        var optimizers = model.Parameters.Select(recipe.Build).ToList();
        var random = new StableRandom(7);
        for (var step = 0; step < 200; step++)
        {
            using var scope = NewDisposeScope();
            var (tokens, labels) = Draw(ref random);
            model.Backward(tokens, labels);
            foreach (var optimizer in optimizers) optimizer.Step(step + 1, 1, 1);
        }
        foreach (var optimizer in optimizers) optimizer.Dispose();
        var right = 0L;
        for (var i = 0; i < 8; i++)
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var (tokens, labels) = Draw(ref random);
            right += model.Logits(tokens).argmax(1).eq(labels).sum().item<long>();
        }
        // Every sequence holds the same symbols: a model that cannot tell their order is right half of the time.
        Assert.True(right >= 0.85 * 8 * Batch, $"{right} of {8 * Batch} right");
    }

    /// <summary>A 0 and a 1 somewhere among 2s; the label is the one that comes first.</summary>
    private static (Tensor Tokens, Tensor Labels) Draw(ref StableRandom random)
    {
        var (tokens, labels) = (new long[Batch * Length], new long[Batch]);
        Array.Fill(tokens, 2);
        for (var b = 0; b < Batch; b++)
        {
            int first = random.Next(Length), second = (first + 1 + random.Next(Length - 1)) % Length;
            (tokens[b * Length + first], tokens[b * Length + second]) = (0, 1);
            labels[b] = first < second ? 0 : 1;
        }
        return (tensor(tokens, [Batch, Length]), tensor(labels));
    }
}
