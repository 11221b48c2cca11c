using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>A Hugging Face folder's model as a GGUF file that llama.cpp runs.</summary>
public static class GgufExport
{
    /// <param name="read">Gives a tensor of the configuration by its Hugging Face name.</param>
    /// <param name="vocabulary">Metadata of the tokenizer, which llama.cpp wants in the same file.</param>
    /// <param name="type">Of matrices; vectors, convolutions and routers stay F32, rows that are not a multiple of a block F16.</param>
    /// <exception cref="UserErrorException">llama.cpp has no such architecture.</exception>
    public static void Write(string path, string name, ModelConfig config, Func<TensorShape, float[]> read,
        IEnumerable<(string Key, GgufValue Value)> vocabulary, GgmlType type)
    {
        var architecture = GgufArchitecture.Name(config);
        var metadata = GgufArchitecture.Metadata(config);
        metadata.Insert(1, ("general.type", GgufValue.Of("model")));
        metadata.Insert(2, ("general.name", GgufValue.Of(name)));
        metadata.Add(("general.file_type", GgufValue.Of(FileType(type))));
        metadata.Add(("general.quantization_version", GgufValue.Of(2u)));
        metadata.AddRange(vocabulary);
        var places = GgufTensorMap.Of(config, architecture).GroupBy(place => place.Name, StringComparer.Ordinal).ToDictionary(
            group => group.Key, group => group.ToList(), StringComparer.Ordinal);
        var plans = places.Values.Select(group =>
        {
            var shape = GgufTensorMap.Shape(group[0], group.Count);
            return new GgufTensorPlan(group[0].Name, Stored(group[0].Name, shape, type), shape);
        }).ToList();
        var factors = Factors(config).ToDictionary(item => item.Name, item => item.Values, StringComparer.Ordinal);
        plans.InsertRange(0, factors.Select(item => new GgufTensorPlan(item.Key, GgmlType.F32, [item.Value.Length])));
        GgufWriter.Write(path, metadata, plans,
            plan => factors.TryGetValue(plan.Name, out var values) ? values : Values(config, places[plan.Name], read));
    }

    /// <summary>Tensors of positions, which are numbers of the configuration in a Hugging Face folder.</summary>
    private static IEnumerable<(string Name, float[] Values)> Factors(ModelConfig config) => config switch
    {
        TransformerConfig { RopeScaling: Llama3Scaling scaling } c =>
            [(GgufRotary.FactorsTensor, Llama3Factors.Of(scaling, c.RopeTheta, c.HeadDim))],
        TransformerConfig { RopeScaling: LongRopeScaling scaling } => GgufLongRope.Tensors(scaling),
        _ => [],
    };

    private static ReadOnlyMemory<float> Values(ModelConfig config, List<GgufPlace> places, Func<TensorShape, float[]> read)
    {
        if (places.Count == 1) return ToFile(config, places[0], read(places[0].Tensor));
        var size = checked((int)places[0].Tensor.Elements);
        var all = new float[checked(size * places.Count)];               // (experts, …)
        foreach (var place in places) ToFile(config, place, read(place.Tensor)).CopyTo(all.AsSpan(place.Expert * size));
        return all;
    }

    private static float[] ToFile(ModelConfig config, GgufPlace place, float[] values)
    {
        switch (place.Change)
        {
            case GgufChange.QueryRows when config is TransformerConfig c: return RotaryRows.ToNeighbours(values, c.Heads, c.HeadDim);
            case GgufChange.KeyRows when config is TransformerConfig c: return RotaryRows.ToNeighbours(values, c.KvHeads, c.HeadDim);
            case GgufChange.Transposed: return GgufModel.Transposed(values, (int)place.Tensor.Shape[0], (int)place.Tensor.Shape[1]);
            case GgufChange.NegativeExponential:
                foreach (ref var value in values.AsSpan()) value = (float)-Math.Exp(value);
                return values;
            default: return values;
        }
    }

    private static GgmlType Stored(string name, long[] shape, GgmlType type)
    {
        if (shape.Length == 1 || name.Contains(".ssm_conv1d", StringComparison.Ordinal) || name.EndsWith(".ssm_a", StringComparison.Ordinal)
            || name.EndsWith(".ssm_d", StringComparison.Ordinal) || name.EndsWith(".ssm_norm.weight", StringComparison.Ordinal)
            || name.Contains(".ffn_gate_inp", StringComparison.Ordinal))
        {
            return GgmlType.F32;
        }
        return shape[^1] % (GgmlTypes.Block(type)?.Elements ?? 1) == 0 ? type : GgmlType.F16;
    }

    /// <summary>llama.cpp's number for "mostly this type".</summary>
    private static uint FileType(GgmlType type) => type switch
    {
        GgmlType.F32 => 0,
        GgmlType.F16 => 1,
        GgmlType.Q40 => 2,
        GgmlType.Q80 => 7,
        _ => 32,
    };
}
