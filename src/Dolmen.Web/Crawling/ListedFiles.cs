using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Dolmen.Artifacts;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;

namespace Dolmen.Web.Crawling;

/// <summary>Fetches the files of a listing. Each arrives under a temporary name, is looked over, and only then gets its own; what was
/// interrupted goes on where it stopped.</summary>
public sealed class ListedFiles : IDisposable
{
    private const int BufferBytes = 1 << 17, TailBytes = 4 << 20;
    private const long LargestFile = 1L << 40;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly FetchSettings _settings;
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(30),
            UseCookies = false,
            MaxAutomaticRedirections = 5,
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private long _bytes;
    private int _finished;

    private ListedFiles(FetchSettings settings)
    {
        _settings = settings;
        _http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", CrawlSettings.DefaultUserAgent);
    }

    /// <exception cref="UserErrorException">A setting, the listing or an answer cannot be used.</exception>
    public static async Task<FetchReport> FetchAsync(FetchSettings settings, IProgress<StageProgress>? progress, CancellationToken stop)
    {
        settings.ThrowIfInvalid();
        var watch = Stopwatch.StartNew();
        using var files = new ListedFiles(settings);
        var names = await files.ListAsync(stop);
        var chosen = PathListing.Select(names, settings.Select, settings.MaxFiles);
        ThrowIfNested(chosen);
        Directory.CreateDirectory(settings.Folder);
        var present = chosen.Count(name => File.Exists(files.PathOf(name)));
        files._finished = present;
        await Parallel.ForEachAsync(
            chosen.Where(name => !File.Exists(files.PathOf(name))),
            new ParallelOptions { MaxDegreeOfParallelism = settings.Connections, CancellationToken = stop },
            async (name, cancel) => await files.FetchAsync(name, added => Report(name, added), cancel)
        );
        return new FetchReport(names.Count, [.. chosen.Select(files.PathOf)], present, files._bytes, watch.Elapsed.TotalSeconds);

        void Report(string name, long added)
        {
            var bytes = Interlocked.Add(ref files._bytes, added);
            progress?.Report(
                new StageProgress(
                    "fetch",
                    bytes,
                    0,
                    "B",
                    $"{Volatile.Read(ref files._finished)} of {chosen.Count} files · {Path.GetFileName(name)}"
                )
            );
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>No file can have the name of a folder that another one is in.</summary>
    private static void ThrowIfNested(IReadOnlyList<string> names)
    {
        var all = names.ToHashSet(StringComparer.Ordinal);
        foreach (var name in names)
        {
            for (var slash = name.LastIndexOf('/'); slash > 0; slash = name.LastIndexOf('/', slash - 1))
            {
                if (all.Contains(name[..slash]))
                    throw new UserErrorException(
                        $"the listing names '{name[..slash]}' as a file and '{name}' in a folder of that name: leave one out."
                    );
            }
        }
    }

    private string PathOf(string name) => Path.Combine(_settings.Folder, name.Replace('/', Path.DirectorySeparatorChar));

    private Uri AddressOf(string name) => new(_settings.Base(), string.Join('/', name.Split('/').Select(Uri.EscapeDataString)));

    private async Task<List<string>> ListAsync(CancellationToken stop)
    {
        var from = _settings.Listing ?? new Uri(_settings.Base(), $"crawl-data/{_settings.Crawl}/{_settings.Kind}.paths.gz").AbsoluteUri;
        if (!Uri.TryCreate(from, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            var file = new FileInfo(from);
            if (!file.Exists)
                throw new UserErrorException($"--listing {from} does not exist: name a file, or an address with http:// or https://.");
            if (file.Length > PathListing.MaxBytes)
                throw new UserErrorException(
                    $"--listing {from} has {file.Length >> 20} MB and may have {PathListing.MaxBytes >> 20}: split it."
                );
            return PathListing.Read(await File.ReadAllBytesAsync(RegularFile.Regular(from), stop), from);
        }
        if (address.UserInfo.Length > 0)
            throw new UserErrorException(
                $"--listing '{SecretFree.Address(from)}' holds a name and password, which are not sent: name an address without them."
            );
        using var kept = new MemoryStream();
        await FillAsync(address, kept, PathListing.MaxBytes, _ => { }, stop);
        return PathListing.Read(kept.ToArray(), from);
    }

    private async Task FetchAsync(string name, Action<long> report, CancellationToken stop)
    {
        var path = PathOf(name);
        var partial = path + AtomicFile.TemporarySuffix;
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? _settings.Folder);
        for (var whole = 0; ; whole++)
        {
            await using (var stream = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1))
            {
                stream.Position = stream.Length;
                await FillAsync(AddressOf(name), stream, LargestFile, report, stop);
                stream.Flush(flushToDisk: true);
                if (!name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || EndsWithWholeMember(stream)) break;
            }
            // spoilt on the way, or begun from another file: once more from the start
            File.Delete(partial);
            if (whole == 1)
                throw new UserErrorException(
                    $"{AddressOf(name)} is not a whole gzip file, twice: it was not kept. Leave it out of the listing, or try later."
                );
        }
        File.Move(partial, path, overwrite: true);
        Interlocked.Increment(ref _finished);
        report(0);
    }

    /// <summary>Brings the stream to its full length, however often the connection breaks as long as it brings something.</summary>
    private async Task FillAsync(Uri address, Stream stream, long most, Action<long> report, CancellationToken stop)
    {
        for (var failed = 0; ;)
        {
            var before = stream.Length;
            var asked = TimeSpan.Zero;
            try
            {
                if (await ReceiveAsync(address, stream, most, report, pause => asked = pause, stop)) return;
                throw new HttpRequestException("The connection ended early.");
            }
            catch (Exception error) when (Retry.IsPassing(error))
            {
                if (stream.Length > before) failed = 0;
                if (Retry.IsLast(failed))
                    throw new UserErrorException(
                        $"{address} could not be fetched: {error.Message} {stream.Length} bytes are kept. The same command goes on from "
                            + $"there.",
                        error
                    );
                await Retry.PauseAsync(failed++, _settings.FirstPause, stop, asked < LongestPause ? asked : LongestPause);
            }
        }
    }

    /// <returns>Whether the stream now has the length the server announced.</returns>
    private async Task<bool> ReceiveAsync(
        Uri address,
        Stream stream,
        long most,
        Action<long> report,
        Action<TimeSpan> asks,
        CancellationToken stop
    )
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(_settings.Patience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (stream.Length > 0) request.Headers.Range = new RangeHeaderValue(stream.Length, null);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.Headers.RetryAfter is { } wait) asks(wait.Delta ?? (wait.Date - DateTimeOffset.UtcNow) ?? TimeSpan.Zero);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                if (response.Content.Headers.ContentRange?.Length == stream.Length) return true;   // it was all there already
                stream.SetLength(0);
                throw new HttpRequestException("The server knows no such range.");
            }
            if (Retry.IsPassing(response.StatusCode)) throw new HttpRequestException($"The server answered {(int)response.StatusCode}.");
            if (!response.IsSuccessStatusCode)
                throw new UserErrorException(
                    $"the server answered {(int)response.StatusCode} for {address}: check the listing and --base-url."
                );
            // A server without ranges sends all from the start.
            var range = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange : null;
            var start = range?.From ?? 0;
            if (start > stream.Length)
                throw new HttpRequestException($"The server sent bytes from {start} on where {stream.Length} were asked for.");
            var total = range is null ? response.Content.Headers.ContentLength : range.Length;
            if (total > most) throw new UserErrorException($"{address} has {total} bytes, and may have {most}: it was not fetched.");
            stream.SetLength(start);
            stream.Position = start;
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            var buffer = new byte[BufferBytes];
            while (true)
            {
                patience.CancelAfter(_settings.Patience);
                var read = await body.ReadAsync(buffer, patience.Token);
                if (read == 0) return total is null || stream.Length == total;
                if (stream.Position + read > most) throw new UserErrorException($"{address} has more than {most} bytes: it was not kept.");
                await stream.WriteAsync(buffer.AsMemory(0, read), stop);
                report(read);
            }
        }
        catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
        {
            throw new HttpRequestException($"The server was silent for {_settings.Patience.TotalSeconds:0} seconds.", error);
        }
    }

    /// <summary>Whether the file's last gzip member is whole. Such files are a member per record, so that the end alone need be read; where
    /// no member begins near it, the whole file is.</summary>
    private static bool EndsWithWholeMember(FileStream stream)
    {
        var tail = new byte[(int)Math.Min(TailBytes, stream.Length)];
        stream.Position = stream.Length - tail.Length;
        stream.ReadExactly(tail);
        for (var end = tail.Length; end > 0;)
        {
            var start = tail.AsSpan(0, end).LastIndexOf((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]);
            if (start < 0) break;
            if (Unfolds(new MemoryStream(tail, start, tail.Length - start))) return true;
            end = start + 2;
        }
        stream.Position = 0;
        return Unfolds(stream);
    }

    private static bool Unfolds(Stream gzip)
    {
        try
        {
            var scratch = new byte[BufferBytes];
            using var plain = new GZipInputStream(gzip) { IsStreamOwner = false };
            var any = false;
            while (plain.Read(scratch) > 0) any = true;
            return any;
        }
        catch (Exception error) when (error is SharpZipBaseException or IOException or ArgumentException or IndexOutOfRangeException)
        {
            return false;
        }
    }
}
