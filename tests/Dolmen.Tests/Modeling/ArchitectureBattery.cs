using Dolmen.Checkpoints;
using Dolmen.Training.Optimizers;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>What holds for every architecture: register one in <see cref="SmallModels"/> and it is tested.</summary>
public class ArchitectureBattery
{
    public static TheoryData<string> Names => [.. SmallModels.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_position_depends_on_no_later_token(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Build(name);
        using var noGradient = no_grad();
        // A Jacobian by differences: the logits at i may change with token j only for j ≤ i, and do for j = i.
        var tokens = Tokens(model.Config.VocabSize, 9);
        var logits = Logits(model, tokens);
        for (var j = 1; j < tokens.Length; j++)
        {
            var changed = tokens.ToArray();
            changed[j] = (changed[j] + 7) % model.Config.VocabSize;
            var other = Logits(model, changed);
            for (var i = 0; i < j; i++)
                Assert.True(logits[i].Zip(other[i], (a, b) => Math.Abs(a - b)).Max() <= 1e-5f, $"token {j} reaches back to {i}");
            Assert.NotEqual(logits[j], other[j]);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Export_and_import_give_the_same_model(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Build(name);
        using var noGradient = no_grad();
        var exported = model.Export().ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Assert.Equal(model.Config.Tensors().Select(tensor => tensor.Name), model.Export().Select(tensor => tensor.Name));
        Assert.All(model.Config.Tensors(), tensor => Assert.Equal(tensor.Shape, exported[tensor.Name].Shape));
        Assert.Equal(model.Config.Parameters, model.Parameters.Count);
        using var other = new LanguageDecoder(model.Config, Compute.Host());
        other.Import((tensor, values) => exported[tensor].Values.CopyTo(values, 0));
        var tokens = Tokens(model.Config.VocabSize, 12);
        Assert.Equal(Logits(model, tokens), Logits(other, tokens));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_pass_leaves_no_tensor_behind(string name)
    {
        using var model = Build(name);
        void Pass()
        {
            using var scope = NewDisposeScope();
            var tokens = tensor(Tokens(model.Config.VocabSize, 12), [1, 12]);
            var loss = model.Loss(tokens, tokens, 1.0 / 12);
            loss.backward();
            BackwardGuard.ThrowIfFailed();
            model.Parameters.TakeGradients(first: true);
        }
        Pass();
        Pass();
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        for (var i = 0; i < 3; i++) Pass();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Theory, MemberData(nameof(Names))]
    public void It_learns_a_short_sequence_by_heart_along_its_recorded_curve(string name)
    {
        using var model = Build(name);
        var tokens = Tokens(model.Config.VocabSize, 13);
        using var optimizer = new AdamWRecipe(5e-3, WeightDecay: 0, StateSpaceLearningRate: 5e-3).Build(model.Parameters);
        var losses = new List<float>();
        for (var step = 0; step < 40; step++)
        {
            using var scope = NewDisposeScope();
            var loss = model.Loss(tensor(tokens[..12], [1, 12]), tensor(tokens[1..], [1, 12]), 1.0 / 12);
            loss.backward();
            BackwardGuard.ThrowIfFailed();
            model.Parameters.TakeGradients(first: true);
            optimizer.Step(step + 1, 1, 1);
            losses.Add(loss.item<float>());
        }
        Assert.True(losses[^1] < 0.35f * losses[0], $"from {losses[0]} to {losses[^1]}");
        // The first half is held tightly: later, roundings that differ between processors have grown.
        Assert.All(LossCurves.Recorded(name, losses[..20]).Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.01f * pair.First));
    }

    [Theory, MemberData(nameof(Names))]
    public void Kernels_and_libtorch_agree_on_loss_and_gradients(string name)
    {
        using var scope = NewDisposeScope();
        using var fused = Build(name);
        using var plain = new LanguageDecoder(fused.Config, Compute.Torch());
        plain.Parameters.Initialize(3);
        var tokens = tensor([.. Tokens(fused.Config.VocabSize, 24)], [2, 12]);
        var losses = new List<float>();
        foreach (var model in new[] { fused, plain })
        {
            var loss = model.Loss(tokens, tokens, 1.0 / 24);
            loss.backward();
            BackwardGuard.ThrowIfFailed();
            losses.Add(loss.item<float>());
        }
        Assert.Equal(losses[1], losses[0], 1e-5f);
        foreach (var (ours, theirs) in fused.ExportedGradients().Zip(plain.ExportedGradients()))
        {
            var scale = theirs.Values.Max(Math.Abs) + 1e-6f;
            Assert.True(ours.Values.Zip(theirs.Values, (a, b) => Math.Abs(a - b)).Max() <= 2e-3f * scale, ours.Name);
        }
    }

    private static LanguageDecoder Build(string name)
    {
        var model = new LanguageDecoder(SmallModels.All[name], Compute.Host());
        model.Parameters.Initialize(3);
        return model;
    }

    private static long[] Tokens(int vocabSize, int count)
    {
        var random = new Dolmen.Artifacts.StableRandom(5);
        return [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(vocabSize))];
    }

    private static float[][] Logits(LanguageDecoder model, long[] tokens)
    {
        using var scope = NewDisposeScope();
        var logits = model.Logits(tensor(tokens, [1, tokens.Length])).contiguous().data<float>().ToArray();
        return [.. logits.Chunk(model.Config.VocabSize)];
    }
}
