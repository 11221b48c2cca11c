using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

internal static class RandomModel
{
    public static DecoderModel Build(DecoderConfig config, ulong seed = 1, TensorDtype dtype = TensorDtype.Float32,
        int? threads = null)
    {
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        return new DecoderModel(config, name => Values(name, shapes[name], seed), dtype, threads);
    }

    public static float[] Values(string name, long[] shape, ulong seed)
    {
        var random = new StableRandom(seed ^ StableHash.Of(name));
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        var scale = shape.Length == 1 ? 0.1 : 1 / Math.Sqrt(shape[1]);
        for (var i = 0; i < values.Length; i++) values[i] = (float)((shape.Length == 1 ? 1 : 0) + scale * random.NextNormal());
        return values;
    }

    public static int[] Tokens(int count, int vocabSize, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabSize))];
    }
}
