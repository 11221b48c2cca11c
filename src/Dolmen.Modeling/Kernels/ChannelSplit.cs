// B batch, I channels, W vector width
namespace Dolmen.Modeling.Kernels;

/// <summary>
/// Work over (B, T, I) cut into items of one sequence and some neighbouring vectors of channels. How many there are depends on the shape
/// alone, never on the threads: sums over items are taken item by item in order and come out the same on any machine of this width.
/// </summary>
internal readonly record struct ChannelSplit(int Batch, int Channels, int Width)
{
    /// <summary>Items worth having: enough for many cores, few enough that their partial sums stay small.</summary>
    private const int WantedItems = 32;

    /// <summary>Vectors of channels, the last one perhaps not full.</summary>
    public int Vectors => (Channels + Width - 1) / Width;

    public int Groups => (Vectors + VectorsPerGroup - 1) / VectorsPerGroup;

    public int Items => Batch * Groups;

    public int VectorsPerGroup
    {
        get
        {
            var groups = Math.Clamp(WantedItems / Math.Max(1, Batch), 1, Vectors);
            return (Vectors + groups - 1) / groups;
        }
    }

    public (int Sequence, int Group, int FirstVector, int EndVector) Item(long item)
    {
        var (sequence, group) = ((int)(item / Groups), (int)(item % Groups));
        return (sequence, group, group * VectorsPerGroup, Math.Min(Vectors, (group + 1) * VectorsPerGroup));
    }
}
