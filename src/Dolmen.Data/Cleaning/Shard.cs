using Dolmen.Artifacts;
using Dolmen.Data.Sources;

namespace Dolmen.Data.Cleaning;

/// <summary>A unit of work and of restart: one large file, or small ones that follow each other in order; or documents that others
/// made.</summary>
/// <param name="Made">Documents made of all inputs together, such as those of types from the files that describe their members.</param>
internal sealed record Shard(int Number, IReadOnlyList<InputFile> Files, IReadOnlyList<SourceRecord>? Made = null)
{
    private const int MostFiles = 4096;

    public string Name => $"{Number:00000}";

    public long Bytes => Made?.Sum(record => (long)(record.Text?.Length ?? 0)) ?? Files.Sum(f => new FileInfo(f.Path).Length);

    /// <summary>The same shards for the same files, whoever asks and with however many threads.</summary>
    public static IReadOnlyList<Shard> Plan(IReadOnlyList<InputFile> files, long targetBytes)
    {
        var shards = new List<Shard>();
        var open = new List<InputFile>();
        long bytes = 0;
        foreach (var file in files)
        {
            var length = new FileInfo(file.Path).Length;
            if (open.Count > 0 && (bytes + length > targetBytes || open.Count == MostFiles)) Close();
            open.Add(file);
            bytes += length;
        }
        if (open.Count > 0) Close();
        return shards;

        void Close()
        {
            shards.Add(new Shard(shards.Count, [.. open]));
            open.Clear();
            bytes = 0;
        }
    }
}

/// <summary>This process among those that share the work, each on every <paramref name="World"/>th shard.</summary>
public readonly record struct ShardRank(int Rank, int World)
{
    public static readonly ShardRank Alone = new(0, 1);

    public bool Owns(int shard) => shard % World == Rank;

    /// <summary>As Open MPI or Slurm tells its processes; <see cref="Alone"/> under neither.</summary>
    public static ShardRank FromEnvironment()
    {
        foreach (var (rank, world) in new[] { ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS") })
            if (
                int.TryParse(Environment.GetEnvironmentVariable(rank), out var r)
                && int.TryParse(Environment.GetEnvironmentVariable(world), out var w)
                && w > 1
                && r >= 0
                && r < w
            )
                return new ShardRank(r, w);
        return Alone;
    }
}
