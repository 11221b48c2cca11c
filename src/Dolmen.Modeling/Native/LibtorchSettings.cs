using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;

namespace Dolmen.Modeling.Native;

/// <summary>Settings of libtorch that TorchSharp does not bind, through exported C++ symbols. Each says whether it took effect: another
/// build of libtorch may not export them.</summary>
public static unsafe class LibtorchSettings
{
    private const int Cpu = 0;
    private const sbyte BFloat16 = 15;
    private const int HighestPrecision = 0, MediumPrecision = 2;
    private static readonly IntPtr Library = Load();

    /// <summary>Autocast of CPU operations to bf16 on this thread, as <c>torch.autocast("cpu")</c> does in Python.</summary>
    public static bool TrySetAutocast(bool on)
    {
        if (!Find("_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE", out var setType) ||
            !Find("_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb", out var enable) ||
            !Find("_ZN2at8autocast17increment_nestingEv", out var enter) ||
            !Find("_ZN2at8autocast17decrement_nestingEv", out var leave) ||
            !Find("_ZN2at8autocast11clear_cacheEv", out var clear)) return false;
        ((delegate* unmanaged<int, sbyte, void>)setType)(Cpu, BFloat16);
        ((delegate* unmanaged<int, byte, void>)enable)(Cpu, on ? (byte)1 : (byte)0);
        if (on) _ = ((delegate* unmanaged<int>)enter)();
        else if (((delegate* unmanaged<int>)leave)() == 0) ((delegate* unmanaged<void>)clear)();
        return true;
    }

    /// <summary>Whether this libtorch exports what <see cref="TrySetOneDnnProducts"/> needs.</summary>
    public static bool CanSetOneDnnProducts { get; } = TrySetOneDnnProducts(false);

    /// <summary>Lets fp32 matrix products of the whole process go through oneDNN instead of MKL, as
    /// <c>torch.set_float32_matmul_precision("medium")</c> does in Python, or takes that back.</summary>
    public static bool TrySetOneDnnProducts(bool on)
    {
        if (!Find("_ZN2at13globalContextEv", out var context) ||
            !Find("_ZN2at7Context25setFloat32MatmulPrecisionERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", out var set) ||
            !Find("_ZNK2at7Context22float32MatmulPrecisionEv", out var get)) return false;
        var settings = ((delegate* unmanaged<void*>)context)();
        // A std::string of libstdc++: address, length, and room for fifteen characters and a zero, which the address points to.
        var text = stackalloc byte[32];
        new Span<byte>(text, 32).Clear();
        var length = Encoding.ASCII.GetBytes(on ? "medium" : "highest", new Span<byte>(text + 16, 15));
        (*(nint*)text, *(nint*)(text + 8)) = ((nint)(text + 16), length);
        ((delegate* unmanaged<void*, void*, void>)set)(settings, text);
        return ((delegate* unmanaged<void*, int>)get)(settings) == (on ? MediumPrecision : HighestPrecision);
    }

    private static bool Find(string symbol, out IntPtr address)
    {
        address = 0;
        return Library != 0 && NativeLibrary.TryGetExport(Library, symbol, out address);
    }

    private static IntPtr Load()
    {
        _ = torch.get_num_threads();                                            // loads libtorch
        return LoadedLibrary.Find("libtorch_cpu") is { } path && NativeLibrary.TryLoad(path, out var library) ? library : 0;
    }
}
