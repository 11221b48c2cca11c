using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>A GGUF file as a model: its configuration, and its tensors under Hugging Face's names and in their order of rows.</summary>
public sealed class GgufModel : IDisposable
{
    private readonly IReadOnlyList<GgufPlace> _places;
    private readonly Dictionary<string, GgufPlace> _placeOf;

    private GgufModel(GgufFile file, ModelConfig config, IReadOnlyList<GgufPlace> places)
    {
        (File, Config, _places) = (file, config, places);
        _placeOf = places.ToDictionary(place => place.Tensor.Name, StringComparer.Ordinal);
    }

    public GgufFile File { get; }

    public ModelConfig Config { get; }

    /// <summary>The precision the matrices are stored in; that of the folder's choice where they are quantised.</summary>
    public TensorDtype? Dtype => File.Find("token_embd.weight")?.Type switch
    {
        GgmlType.F32 => TensorDtype.Float32,
        GgmlType.F16 => TensorDtype.Float16,
        GgmlType.BF16 => TensorDtype.BFloat16,
        _ => null,
    };

    /// <exception cref="UserErrorException">A damaged file, an architecture not known, or tensors that are missing, too many or of another
    /// shape: all of them listed.</exception>
    public static GgufModel Open(string path)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = GgufConfig.Read(file);
            var places = GgufTensorMap.Of(config, file.Metadata.Text("general.architecture"));
            Check(file, places);
            return new GgufModel(file, config, places);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Each of the configuration's tensors, one in memory at a time.</summary>
    public IEnumerable<NamedTensor> Tensors(CancellationToken stop = default)
    {
        foreach (var place in _places)
        {
            stop.ThrowIfCancellationRequested();
            yield return new NamedTensor(place.Tensor.Name, place.Tensor.Shape, Read(place));
        }
    }

    /// <summary>How the file stores a tensor of the configuration.</summary>
    public GgmlType TypeOf(string tensor) => File.Find(Place(tensor).Name)!.Type;

    /// <summary>A tensor of the configuration as floats.</summary>
    /// <exception cref="UserErrorException">The file ends early, or a value is NaN or infinite.</exception>
    public float[] Read(string tensor) => Read(Place(tensor));

    /// <summary>The blocks of a matrix as they are stored, row after row of (outputs, inputs), the rows in the folder's order.</summary>
    public byte[] ReadBlocks(string tensor)
    {
        var place = Place(tensor);
        var (elements, bytes) = GgmlTypes.Block(TypeOf(tensor)) ?? throw new ArgumentException("Its type is unknown.", nameof(tensor));
        var blocks = GC.AllocateUninitializedArray<byte>(checked((int)(place.Tensor.Elements / elements * bytes)));
        File.ReadBytes(place.Name, blocks, Math.Max(0L, place.Expert) * blocks.Length);
        return place.Change switch
        {
            GgufChange.QueryRows when Config is TransformerConfig c => RotaryRows.ToHalves<byte>(blocks, c.Heads, c.HeadDim),
            GgufChange.KeyRows when Config is TransformerConfig c => RotaryRows.ToHalves<byte>(blocks, c.KvHeads, c.HeadDim),
            GgufChange.None or GgufChange.Transposed => blocks,
            _ => throw new ArgumentException($"Tensor '{tensor}' is not a matrix.", nameof(tensor)),
        };
    }

    public void Dispose() => File.Dispose();

    private GgufPlace Place(string tensor) => _placeOf.TryGetValue(tensor, out var place) ? place
        : throw new ArgumentException($"'{File.Path}' holds no tensor '{tensor}'.", nameof(tensor));

    private float[] Read(GgufPlace place)
    {
        var values = GC.AllocateUninitializedArray<float>(checked((int)place.Tensor.Elements));
        File.Read(place.Name, values, Math.Max(0, place.Expert) * place.Tensor.Elements);
        FiniteWeights.Require(File.Path, place.Name, values);
        return FromFile(place, values);
    }

    private float[] FromFile(GgufPlace place, float[] values)
    {
        switch (place.Change)
        {
            case GgufChange.QueryRows when Config is TransformerConfig c: return RotaryRows.ToHalves<float>(values, c.Heads, c.HeadDim);
            case GgufChange.KeyRows when Config is TransformerConfig c: return RotaryRows.ToHalves<float>(values, c.KvHeads, c.HeadDim);
            case GgufChange.Transposed: return Transposed(values, (int)place.Tensor.Shape[1], (int)place.Tensor.Shape[0]);
            case GgufChange.NegativeExponential:
                foreach (ref var value in values.AsSpan())
                {
                    if (!(value < 0))
                    {
                        throw new UserErrorException(
                            $"'{File.Path}': tensor '{place.Name}' holds {value} where −exp(A_log) is due, which is "
                                + "below 0. Convert or fetch the model again."
                        );
                    }
                    value = (float)Math.Log(-value);
                }
                return values;
            default: return values;
        }
    }

    /// <summary>(rows, columns) to (columns, rows).</summary>
    internal static float[] Transposed(ReadOnlySpan<float> values, int rows, int columns)
    {
        var turned = new float[values.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                turned[(long)column * rows + row] = values[(int)((long)row * columns + column)];
        }
        return turned;
    }

    private static void Check(GgufFile file, IReadOnlyList<GgufPlace> places)
    {
        var problems = new List<string>();
        var experts = places.Max(place => place.Expert) + 1;
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (var place in places)
        {
            if (!expected.Add(place.Name)) continue;
            var shape = GgufTensorMap.Shape(place, experts);
            if (file.Find(place.Name) is not { } tensor) problems.Add($"'{place.Name}' is missing");
            else if (!tensor.Shape.AsSpan().SequenceEqual(shape))
            {
                problems.Add($"'{place.Name}' has shape [{string.Join(", ", tensor.Shape)}] where the metadata ask for " +
                    $"[{string.Join(", ", shape)}]");
            }
        }
        // Read with the positions, see GgufRotary.
        if (file.Metadata.Text("general.architecture") == "llama")
            expected.UnionWith([GgufRotary.FactorsTensor, GgufLongRope.LongTensor, GgufLongRope.ShortTensor]);
        problems.AddRange(file.Tensors.Where(tensor => !expected.Contains(tensor.Name))
            .Select(tensor => $"'{tensor.Name}' does not belong to this architecture"));
        if (problems.Count == 0) return;
        const int shown = 8;
        var rest = problems.Count > shown ? $"; and {problems.Count - shown} more" : "";
        throw new UserErrorException(
            $"The tensors of '{file.Path}' do not fit its metadata: {string.Join("; ", problems.Take(shown))}{rest}. "
                + "Convert or fetch the model again."
        );
    }
}
