using System.Globalization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>The documents of earlier crawls, against which a new one is checked: their signature files, which of them were kept, their bucket entries sorted, and
/// their near pairs. A generation is a folder that is never changed; <c>current</c> names the one that counts and is replaced last.</summary>
internal sealed class DuplicateIndex
{
    private readonly string _directory;
    private readonly MinHashSettings _settings;
    private readonly int _generation;
    private readonly List<string> _signatures = [];
    private readonly byte[] _kept = [];

    private DuplicateIndex(string directory, MinHashSettings settings)
    {
        _directory = directory;
        _settings = settings.Check();
        var current = Path.Combine(directory, "current");
        if (!File.Exists(current)) return;
        if (!int.TryParse(File.ReadAllText(current), CultureInfo.InvariantCulture, out _generation) || !Directory.Exists(Generation(_generation)))
            throw new UserErrorException($"{current} names no generation of this index. Restore the folder from a copy, or delete it and add the earlier crawls again.");
        for (var i = 0; File.Exists(SignatureFile(_generation, i)); i++) _signatures.Add(SignatureFile(_generation, i));
        _kept = File.ReadAllBytes(Path.Combine(Generation(_generation), "kept"));
    }

    public static DuplicateIndex Open(string directory, MinHashSettings settings) => new(directory, settings);

    public long Documents => _kept.Length;

    private EarlierCorpus Corpus => _generation == 0
        ? EarlierCorpus.None
        : new(Documents, Path.Combine(Generation(_generation), "bands"), Path.Combine(Generation(_generation), "near.pairs"));

    /// <summary>Whether a document of the index (ordinals below <see cref="Documents"/>) was kept by the filters of its time.</summary>
    public bool Kept(long ordinal) => _kept[ordinal] != 0;

    /// <summary>Finds the pairs of the index and the new files together. Ordinals below <see cref="Documents"/> are the index's; the new files' follow.</summary>
    public DuplicatePairs Find(IReadOnlyList<string> newFiles, string outputDirectory, string scratchDirectory, long memoryBytes, int threads = 1,
        IProgress<DuplicateProgress>? progress = null, CancellationToken stop = default) =>
        NearDuplicates.Find([.. _signatures, .. newFiles], Corpus, _settings, outputDirectory, scratchDirectory, memoryBytes, threads, progress, stop);

    /// <summary>Adds the new files after <see cref="Find"/>: all of it, or nothing when it is interrupted. The caller opens the index anew.</summary>
    /// <param name="kept">Whether the filters keep a new document, by its ordinal in <paramref name="pairs"/>.</param>
    public void Add(IReadOnlyList<string> newFiles, DuplicatePairs pairs, Func<long, bool> kept, string scratchDirectory, long memoryBytes)
    {
        var next = Generation(_generation + 1);
        if (Directory.Exists(next)) Directory.Delete(next, recursive: true);
        Directory.CreateDirectory(next);
        using var bands = new ExternalSort<BandItem>(scratchDirectory, memoryBytes);
        if (Corpus.BandFile is { } sorted) bands.AddSortedFile(sorted);
        var first = Documents;
        var number = 0;
        foreach (var file in _signatures.Concat(newFiles))
        {
            File.Copy(file, SignatureFile(_generation + 1, number));
            if (number++ < _signatures.Count) continue;
            using var reader = new SignatureReader(file, _settings);
            reader.Each((row, head, hashes, _) =>
            {
                if (!head.HasBands) return;
                foreach (var hash in hashes) bands.Add(new(hash, head.Text.Low, first + row));
            }, default);
            first += reader.Rows;
        }
        var flags = new byte[first];
        _kept.CopyTo(flags, 0);
        for (var i = Documents; i < first; i++) flags[i] = kept(i) ? (byte)1 : (byte)0;
        AtomicFile.Write(Path.Combine(next, "bands"), stream => ItemFile.Write(stream, bands.Sorted()));
        AtomicFile.Write(Path.Combine(next, "near.pairs"), stream =>
        {
            using var near = File.OpenRead(pairs.NearFile);
            near.CopyTo(stream);
        });
        AtomicFile.Write(Path.Combine(next, "kept"), stream => stream.Write(flags));
        AtomicFile.WriteText(Path.Combine(_directory, "current"), (_generation + 1).ToString(CultureInfo.InvariantCulture));
        if (_generation > 0) Directory.Delete(Generation(_generation), recursive: true);
    }

    private string Generation(int number) => Path.Combine(_directory, $"generation-{number}");

    private string SignatureFile(int generation, int number) => Path.Combine(Generation(generation), $"{number}.signatures");
}
