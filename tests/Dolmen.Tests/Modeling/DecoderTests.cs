using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using Dolmen.Tests.Fakes;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>The trained models against transformers' own: logits, hidden states, loss, and every gradient by its norm and by elements of
/// it.</summary>
public class DecoderTests
{
    public static TheoryData<string, bool> Folders
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (
                var name in (string[])
                    ["llama_gqa", "llama_tied_rope3", "mistral_swa", "qwen2", "qwen3", "mixtral", "gpt2", "mamba", "mamba2", "jamba"]
            )
            {
                data.Add(name, true);
                data.Add(name, false);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Logits_and_hidden_states_match_transformers(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var golden = new GoldenFolder(name);
        using var model = Load(golden, fused);
        using var noGradient = no_grad();
        var inputs = tensor(golden.Longs("input_ids", out var shape), shape);
        var tolerance = name is "mamba" or "mamba2" or "jamba" ? 2e-4f : 1e-4f;
        Near(golden.Floats("logits"), model.Logits(inputs), tolerance);
        var states = model.HiddenStates(inputs);
        for (var i = 0; i < states.Count; i++) Near(golden.Floats($"hidden_states.{i}"), states[i], tolerance);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Loss_and_gradients_match_transformers(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var golden = new GoldenFolder(name);
        using var model = Load(golden, fused);
        var targets = golden.Targets();
        var inputs = tensor(golden.Longs("input_ids", out var shape), shape);
        var loss = model.Loss(inputs, tensor(targets, shape), 1.0 / targets.Count(target => target >= 0));
        loss.backward();
        BackwardGuard.ThrowIfFailed();

        Assert.Equal(golden.Loss, loss.item<float>(), 1e-5);
        var gradients = model
            .ExportedGradients()
            .ToDictionary(gradient => gradient.Name, gradient => gradient.Values, StringComparer.Ordinal);
        Assert.All(
            golden.GradientNorms,
            norm =>
            {
                var ours = Math.Sqrt(gradients[norm.Name].Sum(value => (double)value * value));
                Assert.True(Math.Abs(ours - norm.Norm) <= 1e-3 * norm.Norm + 1e-7, $"{norm.Name}: {ours} instead of {norm.Norm}");
            }
        );
        Assert.Equal(
            golden.Config.Tensors().Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            golden.GradientSamples.Keys.Order(StringComparer.Ordinal)
        );
        Assert.All(
            golden.GradientSamples,
            sample =>
            {
                var ours = gradients[sample.Key];
                for (var i = 0; i < sample.Value.Length; i++)
                    Assert.Equal(sample.Value[i], ours[(long)ours.Length * i / sample.Value.Length], 1e-4f);
            }
        );
    }

    private static LanguageDecoder Load(GoldenFolder golden, bool fused)
    {
        var model = new LanguageDecoder((DecoderConfig)golden.Config, fused ? Compute.Host() : Compute.Torch());
        using var weights = CheckpointWeights.Open(golden.Path, golden.Config);
        model.Import((name, values) => weights.Read(name, values));
        return model;
    }

    private static void Near(float[] expected, Tensor actual, float tolerance)
    {
        var values = actual.contiguous().data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var worst = expected.Zip(values, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(worst <= tolerance, $"off by {worst}, allowed {tolerance}");
    }
}
