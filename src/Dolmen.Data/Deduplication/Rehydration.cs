namespace Dolmen.Data.Deduplication;

/// <summary>FineWeb-2's rehydration (Penedo et al. 2025): how often the survivor of a cluster is repeated, by the cluster's size. What was
/// found a few times is worth more than what was found once; what is everywhere is not.</summary>
internal static class Rehydration
{
    public static int Weight(long clusterSize) => clusterSize switch
    {
        < 2 => 1,
        2 => 2,
        < 5 => 3,
        < 100 => 5,
        < 1000 => 8,
        _ => 1,
    };

    /// <param name="clusterSize">As a column of a table has it; NaN where the document is in no known cluster.</param>
    public static int Weight(double clusterSize) => double.IsNaN(clusterSize) ? 1 : Weight((long)clusterSize);
}
