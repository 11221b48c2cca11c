using Dolmen.Artifacts;
using Dolmen.Web.Warc;

namespace Dolmen.Web.Crawling;

/// <summary>What a crawl has done, on disk: records in WARC files and steps in the journal, which move together. Everything else
/// (what is known, what waits, the counts) can be made again from it.</summary>
internal sealed class CrawlLedger : IDisposable
{
    private const string StateFolder = ".crawl", Prefix = "crawl";
    private const int MaxIndexLines = 200_000;

    private readonly Lock _gate = new();
    private readonly string _folder, _journalPath;
    private readonly FileLock _lock;
    private readonly List<string> _index = [];
    private readonly CaptureRecords _records;
    private WarcWriter _writer;
    private CrawlJournal _journal;

    private CrawlLedger(CrawlSettings settings, FileLock held, TimeProvider time)
    {
        (_folder, _lock) = (settings.Folder, held);
        _journalPath = Path.Combine(_folder, StateFolder, "journal");
        _records = new CaptureRecords(settings.UserAgent);
        _writer = new WarcWriter(_folder, Prefix, settings.WarcBytes, file => _records.Describe(file, time.GetUtcNow()));
        _journal = CrawlJournal.Open(_journalPath, _folder, Replay);
    }

    public CrawlCounts Counts { get; private set; } = new();

    public int Pass { get; private set; }

    /// <summary>How the last pass ended; nothing while it has not.</summary>
    public string? Ended { get; private set; }

    public HashSet<string> Seeds { get; } = new(StringComparer.Ordinal);

    public HashSet<string> PrivateSeeds { get; } = new(StringComparer.Ordinal);

    /// <summary>Addresses known and not visited in this pass, in the order they were found.</summary>
    public Dictionary<string, (int Depth, int Hops, string? Via)> Pending { get; } = new(StringComparer.Ordinal);

    /// <summary>Addresses visited in this pass, with what the next one needs to know of them.</summary>
    public Dictionary<string, (int Depth, Visit? Visit, bool Gone)> Visited { get; } = new(StringComparer.Ordinal);

    /// <summary>Captures of earlier passes.</summary>
    public Dictionary<string, Visit> Earlier { get; } = new(StringComparer.Ordinal);

    public HashSet<string> SitemapsRead { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> WarcFiles =>
        [.. Directory.GetFiles(_folder, $"{Prefix}-*{WarcWriter.Extension}").Order(StringComparer.Ordinal)];

    /// <exception cref="UserErrorException">The folder holds something else, or another crawl is running in it.</exception>
    public static CrawlLedger Open(CrawlSettings settings, TimeProvider time)
    {
        OutputPlace.Check(settings.Folder);
        var state = Path.Combine(settings.Folder, StateFolder);
        if (!Directory.Exists(state) && Directory.Exists(settings.Folder) && Directory.EnumerateFileSystemEntries(settings.Folder).Any())
        {
            throw new UserErrorException(
                $"--out {settings.Folder} holds files that are not a crawl: name a new or empty folder, or that of a crawl to go on with."
            );
        }
        Directory.CreateDirectory(state);
        var held = FileLock.Take(Path.Combine(state, "lock"), settings.Folder);
        CrawlLedger ledger;
        try
        {
            ledger = new CrawlLedger(settings, held, time);
        }
        catch
        {
            held.Dispose();
            throw;
        }
        try
        {
            if (ledger.Pass == 0 && ledger.WarcFiles.Count > 0)
                throw new UserErrorException(
                    $"{settings.Folder} has WARC files and nothing that says how they were made: crawl into another --out."
                );
            ledger._writer.GoOn(ledger._file, ledger._end);
            return ledger;
        }
        catch
        {
            ledger.Dispose();
            throw;
        }
    }

    private string _file = "";
    private long _end;

    /// <summary>One step: its records, its line, and what becomes known by it, in this order and whole.</summary>
    /// <param name="links">Called once nothing else changes: which of the step's links are new.</param>
    public void Commit(JournalLine line, IReadOnlyList<PackedRecord>? records = null, Func<IReadOnlyList<string>>? links = null)
    {
        lock (_gate)
        {
            if (records is not null)
            {
                var index = _writer.Append(records);
                _index.AddRange(index);
                line = line with { File = _writer.Position.File, End = _writer.Position.End, Index = index };
            }
            if (links?.Invoke() is { Count: > 0 } found) line = line with { Links = found };
            _journal.Append(line);
            Counts.Take(line);
            if (_index.Count >= MaxIndexLines) WriteIndex();
        }
    }

    /// <summary>Begins the first pass, or another one over all that is known.</summary>
    public void BeginPass(IReadOnlyList<string> seeds, IReadOnlyList<string> privateSeeds)
    {
        WriteIndex();
        var first = new JournalLine(
            LineKind.Crawl,
            Links: seeds,
            PrivateSeeds: privateSeeds,
            Pass: Pass + 1,
            File: _file.Length > 0 ? _file : null,
            End: _end
        );
        var known = Visited
            .Where(page => !page.Value.Gone)
            .Select(page => new JournalLine(
                LineKind.Known,
                page.Key,
                page.Value.Depth,
                Visit: page.Value.Visit ?? Earlier.GetValueOrDefault(page.Key)
            ))
            .Concat(
                Pending.Select(page => new JournalLine(
                    LineKind.Known,
                    page.Key,
                    page.Value.Depth,
                    Visit: Earlier.GetValueOrDefault(page.Key)
                ))
            )
            .OrderBy(line => line.Depth)
            .ToList();
        _journal.Dispose();
        CrawlJournal.Rewrite(_journalPath, known.Prepend(first));
        Forget();
        _journal = CrawlJournal.Open(_journalPath, _folder, Replay);
    }

    public void WriteIndex()
    {
        if (_index.Count == 0) return;
        CdxjIndex.Merge(_folder, _index);
        _index.Clear();
    }

    public (List<PackedRecord> Records, Visit Visit, bool IsRevisit) Pack(
        Exchange exchange,
        IEnumerable<(string Name, string Value)> facts
    ) => CaptureRecords.Of(exchange, Earlier.GetValueOrDefault(exchange.Address.Text), facts);

    public void Dispose()
    {
        _journal.Dispose();
        _writer.Dispose();
        _lock.Dispose();
    }

    private void Forget()
    {
        (Counts, Ended) = (new CrawlCounts(), null);
        Pending.Clear();
        Visited.Clear();
        Earlier.Clear();
        SitemapsRead.Clear();
    }

    private void Replay(JournalLine line)
    {
        if (line.File is { } file) (_file, _end) = (file, line.End);
        if (line.Index is { } index) _index.AddRange(index);
        Counts.Take(line);
        switch (line.Kind)
        {
            case LineKind.Crawl:
                if (line.Pass > 0) Pass = line.Pass;
                Seeds.UnionWith(line.Links ?? []);
                PrivateSeeds.UnionWith(line.PrivateSeeds ?? []);
                Found();
                break;
            case LineKind.Known when line.Url is { } url:
                if (line.Visit is { } visit) Earlier[url] = visit;
                Pending.TryAdd(url, (line.Depth, 0, null));
                break;
            case LineKind.Done when line.Url is { } url:
                Pending.Remove(url);
                Visited[url] = (line.Depth, line.Visit, line.Outcome is "http-404" or "http-410");
                Found();
                break;
            case LineKind.Found or LineKind.Aside:
                Found();
                break;
            case LineKind.Sitemaps when line.Url is { } origin:
                SitemapsRead.Add(origin);
                break;
        }
        Ended = line.Kind is LineKind.End ? line.Outcome : null;

        void Found()
        {
            foreach (var link in line.Links ?? [])
            {
                if (!Visited.ContainsKey(link)) Pending.TryAdd(link, (line.LinkDepth, line.LinkHops, line.Url));
            }
        }
    }
}
