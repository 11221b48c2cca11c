using Dolmen.Data.Deduplication;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Deduplication;

/// <summary>Documents given by their shingles, in signature files; each has a day and an id for its priority.</summary>
internal sealed record Made(string Id, uint[] Shingles, int Day = 1, string? Text = null);

internal sealed class SignatureShards(MinHashSettings? settings = null) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _files = [];

    public MinHashSettings Settings { get; } = settings ?? new();

    public string Scratch => Path.Combine(_folder.Path, "scratch");

    public string Folder => _folder.Path;

    public List<Made> Documents { get; } = [];

    public SignatureShards Add(IEnumerable<Made> documents)
    {
        var path = Path.Combine(_folder.Path, $"{_files.Count}.signatures");
        var hash = new MinHash(Settings);
        var signature = new DocumentSignature();
        using var writer = new SignatureWriter(path, Settings);
        foreach (var document in documents)
        {
            hash.Signature(document.Shingles, signature);
            signature.Text = TextDigest.Of(document.Text ?? document.Id);
            signature.Priority = PriorityKey.Of($"2024-01-{document.Day:00}T00:00:00Z", document.Id);
            writer.Add(signature);
            Documents.Add(document);
        }
        writer.Complete();
        _files.Add(path);
        return this;
    }

    public DuplicatePairs Find(long memory = 64 << 20, int threads = 1) =>
        NearDuplicates.Find(_files, Settings, Path.Combine(_folder.Path, "out"), Scratch, memory, threads);

    /// <summary>Id → (survivor's id, size, cluster id), for the kept.</summary>
    public SortedDictionary<string, (string Survivor, int Size, ulong Cluster)> Clustered(
        Func<string, bool>? kept = null,
        long memory = 64 << 20,
        int threads = 1
    )
    {
        using var clusters = Clusters.Of(Find(memory, threads), o => kept?.Invoke(Documents[(int)o].Id) ?? true);
        var all = new SortedDictionary<string, (string, int, ulong)>(StringComparer.Ordinal);
        for (var i = 0; i < Documents.Count; i++)
            if (clusters.SurvivorOf(i) is >= 0 and var survivor)
                all[Documents[i].Id] = (Documents[(int)survivor].Id, clusters.SizeOf(i), clusters.IdOf(i));
        return all;
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Two sets of exactly this Jaccard similarity out of a union of 100 random hashes.</summary>
    public static (uint[] A, uint[] B) Couple(Random random, int percent)
    {
        var union = new HashSet<uint>();
        while (union.Count < 100) union.Add((uint)random.NextInt64(1L << 32));
        var all = union.ToArray();
        var half = percent + ((100 - percent) / 2);
        return (all[..half], [.. all[..percent], .. all[half..]]);
    }
}
