using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;

namespace Dolmen.Inference.Layers;

/// <summary>Where layers get their weights by the names of their specs. Remembers how each is filled, so that it can be done again with
/// others, and a fingerprint of what was read.</summary>
/// <param name="read">Gives a tensor by name, row-major.</param>
/// <param name="dtype">How a matrix is to be kept in memory.</param>
internal sealed unsafe class WeightSource(Func<string, ReadOnlyMemory<float>> read, Func<string, TensorDtype> dtype) : IDisposable
{
    private const int Sampled = 64;

    /// <summary>Rows that a thread packs at once: whole panels.</summary>
    private const int RowsAtOnce = 64;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Dictionary<(RotaryPosition, int), RotaryTable> _rotary = [];
    private readonly List<Action> _fills = [];
    private Func<string, ReadOnlyMemory<float>>? _read = read;

    /// <summary>Of names, precisions and a sample of the values of all tensors; known once all are read.</summary>
    public string Fingerprint { get; private set; } = "";

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
        _read = null;
    }

    /// <summary>Fills all layers with other weights of the same shapes.</summary>
    public void Reload(Func<string, ReadOnlyMemory<float>> other)
    {
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

    public PackedMatrix Matrix(LinearSpec spec)
    {
        // bf16 only where all parts are: the others would lose bits.
        var stored = spec.Parts.All(part => dtype(part.Weight) == TensorDtype.BFloat16) ? TensorDtype.BFloat16 : TensorDtype.Float32;
        var matrix = new PackedMatrix(spec.Outputs, spec.Inputs, stored == TensorDtype.BFloat16);
        Fill(() =>
        {
            var first = 0;
            foreach (var part in spec.Parts)
            {
                var weight = Tensor(part.Weight, (long)part.Outputs * spec.Inputs);
                if (spec.Transposed) weight = Transpose(weight.Span, spec.Inputs, part.Outputs);
                Pack(matrix, first, weight);
                first += part.Outputs;
            }
            _hash.AppendData([(byte)stored]);
        });
        return matrix;
    }

    /// <summary>One table for all layers that turn alike.</summary>
    public RotaryTable Rotary(RotaryPosition position, int headDim)
    {
        if (_rotary.TryGetValue((position, headDim), out var table)) return table;
        return _rotary[(position, headDim)] = new RotaryTable(position, headDim);
    }

    public void Dispose() => _hash.Dispose();

    private static void Pack(PackedMatrix matrix, int first, ReadOnlyMemory<float> rows)
    {
        var count = rows.Length / matrix.Inputs;
        ThreadTeam.Shared.Run((count + RowsAtOnce - 1) / RowsAtOnce, ThreadTeam.Shared.Threads, chunk =>
        {
            var from = chunk * RowsAtOnce;
            var these = rows.Slice(from * matrix.Inputs, Math.Min(RowsAtOnce, count - from) * matrix.Inputs);
            matrix.SetRows(first + from, these.Span);
        });
    }

    private static float[] Transpose(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (var r = 0; r < rows; r++) for (var c = 0; c < columns; c++) result[(long)c * rows + r] = matrix[r * columns + c];
        return result;
    }
}
