using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>One fp32 number for each element of a <see cref="ParameterStore"/>, or for some of them, zero at first, on the store's
/// device.</summary>
public sealed unsafe class FlatBuffer(long count, Compute compute) : IDisposable
{
    private readonly Tensor _values = zeros(count, device: compute.Device).DetachFromDisposeScope();

    public long Count => count;

    /// <summary>The numbers in place, for kernels.</summary>
    public Span<float> Values => new(Pointer, checked((int)count));

    public NamedState State(string name) => NamedState.Of(name, _values);

    internal Tensor Tensor => _values;

    internal float* Pointer =>
        compute.HasKernels ? TensorMemory.Pointer<float>(_values) : throw new InvalidOperationException(ParameterStore.NoHostMemory);

    /// <summary>A view of <paramref name="length"/> numbers from <paramref name="start"/> on.</summary>
    internal Tensor Part(long start, long length) => _values.narrow(0, start, length);

    public void Dispose() => _values.Dispose();
}
