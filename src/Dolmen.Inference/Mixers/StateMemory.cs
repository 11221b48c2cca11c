namespace Dolmen.Inference.Mixers;

/// <summary>Counts the memory of all states of a model that are alive; what several share counts once.</summary>
internal sealed class StateMemory
{
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
