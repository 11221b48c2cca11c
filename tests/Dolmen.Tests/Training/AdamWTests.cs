using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Kernels;

namespace Dolmen.Tests.Training;

public class AdamWTests
{
    /// <summary>Twelve steps of torch.optim.AdamW 2.6 on fixed gradients; decay on both of its tensors, so both are matrices here.</summary>
    [Fact]
    public void Twelve_steps_match_torch()
    {
        using var golden = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Training", "Goldens", "torch_adamw.safetensors"));
        float[] Read(string name)
        {
            var values = new float[golden.Find(name)!.Elements];
            golden.Read(name, values);
            return values;
        }
        foreach (var (name, shape) in new[] { ("w", new long[] { 6, 5 }), ("b", [1, 6]) })
        {
            using var store = new ParameterStore([new ParameterSpec(name, shape, ParameterGroup.Matrix, Initializers.Normal(0))], bfloat16: false);
            Read($"{name}0").CopyTo(store.Weights(name));
            var (gradients, expected, size) = (Read($"grads_{name}"), Read($"{name}.adamw"), (int)store.Count);
            for (var step = 0; step < 12; step++)
            {
                using var gradient = TorchSharp.torch.tensor(gradients.AsSpan(step * size, size).ToArray(), shape);
                store[name].grad = gradient;
                store.TakeGradients(first: true);
                store.Step(new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, step + 1, 1));
                var actual = store.Weights(name);
                for (var i = 0; i < size; i++) Assert.Equal(expected[step * size + i], actual[i], 2e-6);
            }
        }
    }
}
