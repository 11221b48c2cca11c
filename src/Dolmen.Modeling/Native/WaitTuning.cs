using System.Globalization;
using System.Runtime.InteropServices;

namespace Dolmen.Modeling.Native;

/// <summary>
/// Between its parallel regions libgomp's threads wait by spinning, for milliseconds by default. Where something else runs on one of the
/// cores, the thread that was interrupted then waits behind one that only spins, and a step takes as long as the slowest core. A short spin
/// bridges the gap between two operations; after it a thread sleeps and leaves its core to whoever has work.
/// </summary>
public static partial class WaitTuning
{
    private const int Spins = 2000;

    /// <summary>Call before libtorch is loaded: libgomp reads its settings once. What the user has set stays.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null) return;
        _ = setenv("GOMP_SPINCOUNT", Spins.ToString(CultureInfo.InvariantCulture), overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
