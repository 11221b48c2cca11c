using System.Runtime.InteropServices;

namespace Dolmen.Modeling.Native;

/// <summary>
/// glibc gives every large tensor pages of its own and returns them at once, so that each training step faults its activations in
/// anew (about a third of the step on small models). Keeping freed memory in the heap ends that.
/// </summary>
public static partial class HeapTuning
{
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapMax = -4;
    private const int ArenaMax = -8;

    /// <summary>Call once, before the first tensor. Does nothing where the C library is not glibc.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = mallopt(MmapMax, 0);
            _ = mallopt(TrimThreshold, int.MaxValue);
            _ = mallopt(TopPad, 64 << 20);
            _ = mallopt(ArenaMax, 1);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has no mallopt: slower, not wrong.
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
