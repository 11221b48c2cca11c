using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

internal static class RandomModel
{
    public static DecoderModel Build(DecoderConfig config, ulong seed = 1, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null, WeightPrecision precision = WeightPrecision.Stored, KvPrecision kept = KvPrecision.Automatic)
    {
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        return new DecoderModel(config, name => Values(name, shapes[name], seed), dtype, threads, precision, kept);
    }

    /// <summary>As trained models have them: gains about 1, small biases, decays from slow to fast, time steps about 0.05.</summary>
    public static float[] Values(string name, long[] shape, ulong seed)
    {
        var random = new StableRandom(seed ^ StableHash.Of(name));
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++)
        {
            var noise = random.NextNormal();
            values[i] = (float)(name switch
            {
                _ when name.EndsWith("A_log", StringComparison.Ordinal) => Math.Log(1 + i % shape[^1]) + 0.1 * noise,
                _ when name.EndsWith("dt_bias", StringComparison.Ordinal) || name.EndsWith("dt_proj.bias", StringComparison.Ordinal) =>
                    -3 + noise,
                _ when name.EndsWith("bias", StringComparison.Ordinal) => 0.1 * noise,
                _ when shape.Length == 1 => 1 + 0.1 * noise,
                _ => noise / Math.Sqrt(shape[^1]),
            });
        }
        return values;
    }

    public static int[] Tokens(int count, int vocabSize, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabSize))];
    }
}
