using Dolmen.Artifacts;

namespace Dolmen.Training;

/// <summary>
/// Which example comes n-th: every epoch is its own permutation, made from the seed and the epoch's number alone. Nothing has to be saved
/// to continue, and the order does not depend on how often a run was interrupted.
/// </summary>
public sealed class DataOrder(int examples, ulong seed)
{
    private int[] _order = [];
    private long _epoch = -1;

    public int At(long position)
    {
        var epoch = position / examples;
        if (epoch != _epoch)
        {
            _order = [.. Enumerable.Range(0, examples)];
            new StableRandom(seed ^ StableHash.Of($"epoch {epoch}")).Shuffle<int>(_order);
            _epoch = epoch;
        }
        return _order[(int)(position % examples)];
    }

    public long EpochOf(long position) => position / examples;
}
