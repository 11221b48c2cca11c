using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

/// <summary>What a matrix is for, which decides how far it may be rounded: an embedding or a head loses more by four bits than a projection
/// does; a router is small, and a rounded one sends tokens to other experts.</summary>
internal enum MatrixRole { Projection, Table, Router }

/// <summary>Where layers get their weights by the names of their specs. Remembers how each is filled, so that it can be done again with
/// others, and a fingerprint of what was read.</summary>
/// <param name="read">Gives a tensor by name, row-major.</param>
/// <param name="dtype">How a tensor is stored.</param>
/// <param name="precision">How matrices are to be kept in memory.</param>
/// <param name="file">Where <paramref name="read"/> reads, if that is a GGUF file.</param>
internal sealed unsafe class WeightSource(Func<string, ReadOnlyMemory<float>> read, Func<string, TensorDtype> dtype,
    WeightPrecision precision = WeightPrecision.Stored, GgufWeights? file = null) : IDisposable
{
    private const int Sampled = 64;

    /// <summary>Rows of a matrix laid out at once: whole panels.</summary>
    private const int RowsAtOnce = 32;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Dictionary<(RotaryPosition, int), RotaryTable> _rotary = [];
    private readonly List<Action> _fills = [];
    private Func<string, ReadOnlyMemory<float>>? _read = read;
    private GgufWeights? _file = file;
    private string? _blocksOfAFile;                                      // a matrix that cannot take other weights

    public WeightSource(GgufWeights file, WeightPrecision precision)
        : this(file.Read, _ => throw new NotSupportedException("A GGUF file has types of its own."), precision, file) { }

    /// <summary>Of names, precisions and a sample of the values of all tensors; known once all are read.</summary>
    public string Fingerprint { get; private set; } = "";

    /// <summary>How keys and values are to be kept in memory.</summary>
    public KvPrecision Kept { get; init; }

    /// <summary>How a layer keeps keys and values; states of another precision are those of another model.</summary>
    /// <param name="blocks">Whether its matrices are blocks of codes.</param>
    public KvPrecision KeysAndValues(bool blocks)
    {
        var kept = Kept != KvPrecision.Automatic ? Kept : blocks ? KvPrecision.Int16 : KvPrecision.Float32;
        if (kept != KvPrecision.Float32) Fill(() => _hash.AppendData([(byte)kept]));
        return kept;
    }

    /// <summary>Says that a layer's numbers are computed so from its tensors: now, and at each <see cref="Reload"/>.</summary>
    public void Fill(Action fill)
    {
        _fills.Add(fill);
        fill();
    }

    /// <summary>All layers have their weights.</summary>
    public void Complete()
    {
        Fingerprint = Convert.ToHexStringLower(_hash.GetHashAndReset());
        (_read, _file) = (null, null);
    }

    /// <summary>Fills all layers with other weights of the same shapes; they are rounded as the first ones were.</summary>
    public void Reload(Func<string, ReadOnlyMemory<float>> other)
    {
        if (_blocksOfAFile is { } name)
        {
            throw new NotSupportedException(
                $"'{name}' is kept as Q4_K, which takes the blocks of a file: load the model in another precision to give it "
                    + "other weights.");
        }
        _read = other;
        foreach (var fill in _fills) fill();
        Complete();
    }

    public ReadOnlyMemory<float> Tensor(string name, long elements)
    {
        var tensor = (_read ?? throw new InvalidOperationException("The weights are read already."))(name);
        if (tensor.Length != elements)
        {
            throw new ArgumentException($"Tensor '{name}' has {tensor.Length} values; the model needs {elements}.", nameof(name));
        }
        _hash.AppendData(Encoding.UTF8.GetBytes(name));
        var values = tensor.Span;
        var sample = new float[Math.Min(Sampled, values.Length)];
        for (var i = 0; i < sample.Length; i++) sample[i] = values[(int)((long)values.Length * i / sample.Length)];
        _hash.AppendData(MemoryMarshal.AsBytes(sample.AsSpan()));
        return tensor;
    }

    /// <summary>A vector, followed by zeros up to a whole number of 16.</summary>
    public NativeBuffer Vector(string name, int size)
    {
        var buffer = NativeBuffer.OfFloats((size + 15) / 16 * 16);
        Fill(() => Tensor(name, size).Span.CopyTo(new Span<float>(buffer.Floats, size)));
        return buffer;
    }

    public float[] Array(string name, int size)
    {
        var values = new float[size];
        Fill(() => Tensor(name, size).CopyTo(values));
        return values;
    }

    public WeightMatrix Matrix(LinearSpec spec, MatrixRole role = MatrixRole.Projection)
    {
        if (precision == WeightPrecision.Stored && spec.Parts.Any(IsSuperBlocks)) return InParts(spec, role);
        var kept = PrecisionOf(spec, role);
        WeightMatrix matrix = kept switch
        {
            WeightPrecision.Int8 => new BlockMatrix(spec.Outputs, spec.Inputs, BlockFormat.Int8),
            WeightPrecision.Int4 => new BlockMatrix(spec.Outputs, spec.Inputs, BlockFormat.Int4),
            _ => new PackedMatrix(spec.Outputs, spec.Inputs, kept == WeightPrecision.BFloat16),
        };
        Fill(() =>
        {
            var first = 0;
            foreach (var part in spec.Parts)
            {
                FillPart(matrix, spec, part, first, kept);
                first += part.Outputs;
            }
            _hash.AppendData([(byte)kept]);
        });
        return matrix;
    }

    private bool IsSuperBlocks(LinearPart part) => _file?.IsSuperBlocks(part.Weight) == true;

    /// <summary>Parts of Q4_K as they are, the others as they would be without them.</summary>
    private WeightMatrix InParts(LinearSpec spec, MatrixRole role)
    {
        var matrices = new List<WeightMatrix>();
        for (var at = 0; at < spec.Parts.Count;)
        {
            var super = IsSuperBlocks(spec.Parts[at]);
            LinearPart[] parts = [.. spec.Parts.Skip(at).TakeWhile(part => IsSuperBlocks(part) == super)];
            var run = spec with { Parts = parts };
            matrices.Add(super ? SuperBlocks(run) : Matrix(run, role));
            at += parts.Length;
        }
        return matrices.Count == 1 ? matrices[0] : MatrixParts.Of([.. matrices]);
    }

    private SuperBlockMatrix SuperBlocks(LinearSpec spec)
    {
        var matrix = new SuperBlockMatrix(spec.Outputs, spec.Inputs);
        _blocksOfAFile ??= spec.Name;
        Fill(() =>
        {
            var first = 0;
            foreach (var part in spec.Parts)
            {
                var rows = Blocks(part.Weight);
                var (from, bytes) = (first, rows.Length / part.Outputs);
                Share(part.Outputs, (row, count) => matrix.SetBlocks(from + row, rows.Span.Slice(row * bytes, count * bytes)));
                first += part.Outputs;
            }
        });
        return matrix;
    }

    private void FillPart(WeightMatrix matrix, LinearSpec spec, LinearPart part, int first, WeightPrecision kept)
    {
        if (matrix is BlockMatrix blocks && BlocksOf(part.Weight) is { } stored
            && (stored == BlockFormat.Int4 || kept == WeightPrecision.Int8))
        {
            var rows = Blocks(part.Weight);
            var bytes = rows.Length / part.Outputs;
            Share(part.Outputs, (from, count) => blocks.SetBlocks(first + from, rows.Span.Slice(from * bytes, count * bytes), stored));
            return;
        }
        var weight = Tensor(part.Weight, (long)part.Outputs * spec.Inputs);
        if (spec.Transposed) weight = Transpose(weight.Span, spec.Inputs, part.Outputs);
        Share(part.Outputs, (from, count) => matrix.SetRows(first + from, weight.Span.Slice(from * spec.Inputs, count * spec.Inputs)));
    }

    private BlockFormat? BlocksOf(string tensor) => _file?.Stored(tensor) switch
    {
        WeightPrecision.Int8 => BlockFormat.Int8,
        WeightPrecision.Int4 => BlockFormat.Int4,
        _ => null,
    };

    private ReadOnlyMemory<byte> Blocks(string name)
    {
        var blocks = _file!.Blocks(name);
        _hash.AppendData(Encoding.UTF8.GetBytes(name));
        for (var i = 0; i < Sampled; i++) _hash.AppendData(blocks.Span.Slice((int)((long)(blocks.Length - 4) * i / Sampled), 4));
        return blocks;
    }

    /// <summary>Calls <paramref name="body"/> with the first and the number of some rows until all were had, on all threads.</summary>
    private static void Share(int rows, Action<int, int> body) =>
        ThreadTeam.Shared.Run((rows + RowsAtOnce - 1) / RowsAtOnce, ThreadTeam.Shared.Threads, chunk =>
            body(chunk * RowsAtOnce, Math.Min(RowsAtOnce, rows - chunk * RowsAtOnce)));

    private WeightPrecision PrecisionOf(LinearSpec spec, MatrixRole role) => precision switch
    {
        WeightPrecision.Stored => Widest(spec.Parts.Select(part => StoredAs(part.Weight))),
        // A matrix narrower than a block would be mostly filling.
        WeightPrecision.Int8 or WeightPrecision.Int4 when spec.Inputs < BlockMatrix.Block => WeightPrecision.Float32,
        WeightPrecision.Int8 or WeightPrecision.Int4 when role == MatrixRole.Router => WeightPrecision.Float32,
        WeightPrecision.Int4 when role == MatrixRole.Table => WeightPrecision.Int8,
        _ => precision,
    };

    private WeightPrecision StoredAs(string tensor) => _file?.Stored(tensor)
        ?? (dtype(tensor) == TensorDtype.BFloat16 ? WeightPrecision.BFloat16 : WeightPrecision.Float32);

    /// <summary>What holds all parts of a matrix without loss: eight bits hold four; of other mixtures float32 alone holds both.</summary>
    private static WeightPrecision Widest(IEnumerable<WeightPrecision> parts) => parts.Distinct().ToArray() switch
    {
        [var all] => all,
        [WeightPrecision.Int8, WeightPrecision.Int4] or [WeightPrecision.Int4, WeightPrecision.Int8] => WeightPrecision.Int8,
        _ => WeightPrecision.Float32,
    };

    /// <summary>One table for all layers that turn alike.</summary>
    public RotaryTable Rotary(RotaryPosition position, int headDim)
    {
        if (_rotary.TryGetValue((position, headDim), out var table)) return table;
        return _rotary[(position, headDim)] = new RotaryTable(position, headDim);
    }

    public void Dispose() => _hash.Dispose();

    private static float[] Transpose(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (var r = 0; r < rows; r++) for (var c = 0; c < columns; c++) result[(long)c * rows + r] = matrix[r * columns + c];
        return result;
    }
}
