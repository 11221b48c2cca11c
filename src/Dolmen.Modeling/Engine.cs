using Dolmen.Modeling.Native;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>Settings of the whole process, made once before the first tensor.</summary>
public static class Engine
{
    /// <param name="threads">Threads to compute with; all cores when null.</param>
    /// <exception cref="Artifacts.UserErrorException">libtorch is not there, or there are less than one thread.</exception>
    public static void Start(int? threads)
    {
        if (threads is < 1)
            throw new Artifacts.UserErrorException(
                $"--threads is {threads}: it must be at least 1. Leave it out to use all {Environment.ProcessorCount} cores."
            );
        LibtorchLibrary.Open();
        HeapTuning.Apply();
        WaitTuning.Apply();
        set_num_threads(threads ?? Environment.ProcessorCount);
    }
}
