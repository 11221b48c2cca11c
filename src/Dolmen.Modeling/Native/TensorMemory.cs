using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Native;

internal static unsafe partial class TensorMemory
{
    /// <summary>Address of the first element of a contiguous CPU tensor. The tensor must outlive the use.</summary>
    /// <exception cref="ArgumentException">Not contiguous, not on the CPU, or of another type.</exception>
    public static E* Pointer<E>(Tensor tensor) where E : unmanaged
    {
        var expected =
            typeof(E) == typeof(float) ? ScalarType.Float32
            : typeof(E) == typeof(long) ? ScalarType.Int64
            : ScalarType.BFloat16;
        if (tensor.dtype != expected)
            throw new ArgumentException($"A kernel got {tensor.dtype} where it takes {expected}.", nameof(tensor));
        if (!tensor.is_contiguous() || tensor.device_type != TorchSharp.DeviceType.CPU)
            throw new ArgumentException("A kernel takes contiguous CPU tensors.", nameof(tensor));
        return (E*)THSTensor_data(tensor.Handle);
    }

    [LibraryImport("LibTorchSharp")]
    private static partial IntPtr THSTensor_data(IntPtr handle);
}
