using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>A crawl in an index.</summary>
/// <param name="Inputs">Names its input files and what is in them.</param>
/// <param name="Request">Names inputs, recipe and seed.</param>
internal sealed record IndexedCrawl(string Inputs, string Request, int Files, long Documents);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(IReadOnlyList<IndexedCrawl>))]
internal sealed partial class DuplicateIndexJson : JsonSerializerContext;

/// <summary>The documents of earlier crawls, against which a new one is checked: their signature files, and in the folder of a generation,
/// which is never changed, which of them were kept, their bucket entries sorted, and their near pairs. <c>current</c> names the generation
/// that counts and is replaced last. A crawl that the index has already is checked
/// against those before it alone, so that building it again gives the same.</summary>
internal sealed class DuplicateIndex : IDisposable
{
    private readonly string _directory;
    private readonly MinHashSettings _settings;
    private readonly FileStream _lock;
    private readonly int _generation;
    private readonly IReadOnlyList<IndexedCrawl> _all = [];
    private readonly IReadOnlyList<IndexedCrawl> _earlier;
    private readonly byte[] _kept = [];

    private DuplicateIndex(string directory, MinHashSettings settings, string inputs)
    {
        (_directory, _settings) = (directory, settings.Check());
        Directory.CreateDirectory(directory);
        try
        {
            _lock = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException error)
        {
            throw new UserErrorException(
                $"the index {directory} is in use by another build, or cannot be written: {error.Message} Wait for that build, or name "
                    + $"another index.",
                error
            );
        }
        try
        {
            _earlier = [];
            var current = Path.Combine(directory, "current");
            if (!File.Exists(current))
                return;
            if (
                !int.TryParse(RegularFile.ReadAllText(current), CultureInfo.InvariantCulture, out _generation)
                || !Directory.Exists(Generation(_generation))
            )
                throw Damaged($"{current} names no generation of it");
            (_all, _kept) = (ReadCrawls(), RegularFile.ReadAllBytes(InGeneration("kept")));
            if (_kept.Length != _all.Sum(crawl => crawl.Documents)) throw Damaged("its files are not of one number of documents");
            _earlier = [.. _all.TakeWhile(crawl => crawl.Inputs != inputs)];
            Documents = _earlier.Sum(crawl => crawl.Documents);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Opens the index for one build; others are kept out until it is closed.</summary>
    /// <param name="inputs">The crawl that is going to be looked for and added.</param>
    /// <exception cref="UserErrorException">The index is damaged, of another MinHash shape, or in use.</exception>
    public static DuplicateIndex Open(string directory, MinHashSettings settings, string inputs) => new(directory, settings, inputs);

    /// <summary>Documents of the crawls before this one.</summary>
    public long Documents { get; }

    /// <summary>For each of these documents 1 if the filters of its time kept it, else 0.</summary>
    public ReadOnlySpan<byte> KeptFlags => _kept.AsSpan(0, (int)Documents);

    public bool Kept(long ordinal) => _kept[ordinal] != 0;

    /// <summary>Finds the pairs of the index and the new files together. Ordinals below <see cref="Documents"/> are the index's; the new
    /// files' follow.</summary>
    public DuplicatePairs Find(
        IReadOnlyList<string> newFiles,
        string outputDirectory,
        string scratchDirectory,
        long memoryBytes,
        int threads = 1,
        IProgress<DuplicateProgress>? progress = null,
        CancellationToken stop = default
    ) =>
        NearDuplicates.Find(
            [.. Signatures(), .. newFiles],
            Earlier(scratchDirectory),
            _settings,
            outputDirectory,
            scratchDirectory,
            memoryBytes,
            threads,
            progress,
            stop
        );

    /// <summary>Whether the crawls after this one, if there are any, were checked against what another recipe made of it.</summary>
    /// <param name="request">Names inputs, recipe and seed of the build.</param>
    public void ThrowIfSettled(string request)
    {
        if (_all.Count > _earlier.Count + 1 && _all[_earlier.Count].Request != request)
            throw new UserErrorException(
                $"the index {_directory} has this crawl as built by another recipe, and {_all.Count - _earlier.Count - 1} crawls added "
                    + $"after it: build it with that recipe, without an index, or all of them with a new one."
            );
    }

    /// <summary>Adds the new files after <see cref="Find"/>, in place of what another recipe made of the same crawl: all of it, or nothing
    /// when it is interrupted. Nothing is done if they are there. The caller opens the index anew.</summary>
    /// <param name="kept">Whether the filters keep a new document, by its ordinal in <paramref name="pairs"/>.</param>
    public void Add(
        IndexedCrawl crawl,
        IReadOnlyList<string> newFiles,
        DuplicatePairs pairs,
        Func<long, bool> kept,
        string scratchDirectory,
        long memoryBytes
    )
    {
        ThrowIfSettled(crawl.Request);
        if (_all.Count > _earlier.Count && _all[_earlier.Count].Request == crawl.Request) return;
        var next = Generation(_generation + 1);
        if (Directory.Exists(next)) Directory.Delete(next, recursive: true);
        Directory.CreateDirectory(next);
        Directory.CreateDirectory(SignatureFolder(crawl.Request));
        using var bands = new ExternalSort<BandItem>(scratchDirectory, memoryBytes);
        if (Earlier(scratchDirectory).BandFile is { } sorted) bands.AddSortedFile(sorted);
        var first = Documents;
        for (var i = 0; i < newFiles.Count; i++)
        {
            AtomicFile.Write(SignatureFile(crawl.Request, i), stream =>
            {
                using var from = RegularFile.OpenRead(newFiles[i]);
                from.CopyTo(stream);
            });
            using var reader = new SignatureReader(newFiles[i], _settings);
            reader.Each((row, head, hashes, _) =>
            {
                if (!head.HasBands) return;
                foreach (var hash in hashes) bands.Add(new(hash, head.Text.Low, first + row));
            }, default);
            first += reader.Rows;
        }
        var flags = new byte[first];
        KeptFlags.CopyTo(flags);
        for (var i = Documents; i < first; i++) flags[i] = kept(i) ? (byte)1 : (byte)0;
        AtomicFile.Write(Path.Combine(next, "bands"), stream => ItemFile.Write(stream, bands.Sorted()));
        AtomicFile.Write(Path.Combine(next, "near.pairs"), stream =>
        {
            using var near = RegularFile.OpenRead(pairs.NearFile);
            near.CopyTo(stream);
        });
        AtomicFile.Write(Path.Combine(next, "kept"), stream => stream.Write(flags));
        AtomicFile.WriteJson(
            Path.Combine(next, "crawls.json"),
            [.. _earlier, crawl with { Files = newFiles.Count, Documents = first - Documents }],
            DuplicateIndexJson.Default.IReadOnlyListIndexedCrawl
        );
        AtomicFile.WriteText(Path.Combine(_directory, "current"), (_generation + 1).ToString(CultureInfo.InvariantCulture));
        // What no longer counts, also what an interrupted build left.
        foreach (var folder in Directory.GetDirectories(_directory, "generation-*"))
            if (folder != next) Directory.Delete(folder, recursive: true);
        foreach (var folder in Directory.GetDirectories(Path.Combine(_directory, "signatures")))
            if (Path.GetFileName(folder) is var name && name != crawl.Request && _earlier.All(earlier => earlier.Request != name))
                Directory.Delete(folder, recursive: true);
    }

    /// <summary>What was found among the crawls before this one; where the index has more, their part of it is copied.</summary>
    private EarlierCorpus Earlier(string scratchDirectory)
    {
        if (Documents == 0) return EarlierCorpus.None;
        var (bands, near) = (InGeneration("bands"), InGeneration("near.pairs"));
        if (!File.Exists(bands) || !File.Exists(near)) throw Damaged("it lacks a file");
        if (_earlier.Count == _all.Count) return new(Documents, bands, near);
        Directory.CreateDirectory(scratchDirectory);
        var (someBands, someNear) = (Path.Combine(scratchDirectory, "earlier.bands"), Path.Combine(scratchDirectory, "earlier.near"));
        AtomicFile.Write(
            someBands,
            stream => ItemFile.Write(stream, ItemFile.Read<BandItem>(bands).Where(item => item.Ordinal < Documents))
        );
        AtomicFile.Write(
            someNear,
            stream => ItemFile.Write(stream, ItemFile.Read<NearPair>(near).Where(pair => Math.Max(pair.A, pair.B) < Documents))
        );
        return new(Documents, someBands, someNear);
    }

    private IReadOnlyList<IndexedCrawl> ReadCrawls()
    {
        try
        {
            using var stream = RegularFile.OpenRead(InGeneration("crawls.json"));
            var crawls =
                JsonSerializer.Deserialize(stream, DuplicateIndexJson.Default.IReadOnlyListIndexedCrawl)
                ?? throw new JsonException("It is null.");
            // Names of folders.
            if (
                crawls.Any(crawl =>
                    crawl.Files < 0 || crawl.Documents < 0 || crawl.Request.Length == 0 || !crawl.Request.All(char.IsAsciiHexDigit)
                )
            )
                throw new JsonException("A crawl is none.");
            return crawls;
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw Damaged(error.Message);
        }
    }

    private UserErrorException Damaged(string why) =>
        new(
            $"{_directory} is not an index of crawls that can be used: {why}. Restore the folder from a copy, or delete it and build the "
                + $"earlier crawls again."
        );

    private IEnumerable<string> Signatures() =>
        _earlier.SelectMany(crawl => Enumerable.Range(0, crawl.Files).Select(i => SignatureFile(crawl.Request, i)));

    private string SignatureFolder(string request) => Path.Combine(_directory, "signatures", request);

    private string SignatureFile(string request, int number) => Path.Combine(SignatureFolder(request), $"{number}.signatures");

    private string Generation(int number) => Path.Combine(_directory, $"generation-{number}");

    private string InGeneration(string file) => Path.Combine(Generation(_generation), file);

    public void Dispose() => _lock.Dispose();
}
