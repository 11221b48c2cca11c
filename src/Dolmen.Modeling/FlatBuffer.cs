using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>One fp32 number for each element of a <see cref="ParameterStore"/>, or for some of them, zero at first.</summary>
public sealed unsafe class FlatBuffer(long count) : IDisposable
{
    private readonly Tensor _values = zeros(count).DetachFromDisposeScope();

    public long Count => count;

    public Span<float> Values => new(Pointer, checked((int)count));

    internal Tensor Tensor => _values;

    internal float* Pointer => TensorMemory.Pointer<float>(_values);

    public void Dispose() => _values.Dispose();
}
