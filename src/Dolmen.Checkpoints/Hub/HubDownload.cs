using System.Net;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Hub;

/// <summary>Fetches the files of a repository into a folder. Each arrives under a temporary name, is checked against its length and
/// checksum, and only then gets its own; what was interrupted goes on where it stopped.</summary>
public sealed class HubDownload(HubClient hub, IProgress<StageProgress>? progress = null)
{
    private const int BufferBytes = 1 << 18;

    /// <returns>The files fetched or found complete, and those left aside.</returns>
    /// <exception cref="UserErrorException">The repository is not there, not readable, without weights, or a file is not what was
    /// announced.</exception>
    public async Task<(IReadOnlyList<HubFile> Taken, IReadOnlyList<HubFile> LeftAside)> RunAsync(
        HubRepository repository, string folder, CancellationToken stop)
    {
        var pinned = await hub.PinAsync(repository, stop);
        var all = await hub.ListAsync(pinned, stop);
        var taken = HubSelection.Of(repository, all);
        Directory.CreateDirectory(folder);
        CheckRoom(folder, taken);
        var (total, done) = (taken.Sum(file => file.Size), 0L);
        foreach (var file in taken.OrderBy(file => file.Size))           // the small ones first: their faults show soon
        {
            stop.ThrowIfCancellationRequested();
            var before = done;
            await FetchAsync(pinned, file, folder, bytes => Report(before + bytes, total, file), stop);
            done += file.Size;
            Report(done, total, file);
        }
        return (taken, [.. all.Except(taken)]);
    }

    private void Report(long done, long total, HubFile file) => progress?.Report(new StageProgress("pull", done, total, "B", file.Path));

    private async Task FetchAsync(HubRepository repository, HubFile file, string folder, Action<long> report, CancellationToken stop)
    {
        var path = Path.Combine(folder, file.Path.Replace('/', Path.DirectorySeparatorChar));
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder);
        if (File.Exists(path) && new FileInfo(path).Length == file.Size && Matches(path, file)) return;
        var partial = path + AtomicFile.TemporarySuffix;
        for (var whole = 0; ; whole++)
        {
            try
            {
                await FillAsync(repository, file, partial, report, stop);
            }
            catch (UserErrorException) when (TooLong(partial, file))
            {
                File.Delete(partial);
                throw;
            }
            if (Matches(partial, file)) break;
            // from another revision, or spoilt on the way: once more from the start
            File.Delete(partial);
            if (whole == 1)
            {
                throw new UserErrorException(
                    $"'{file.Path}' of '{repository.Name}' does not have the checksum the hub announced, twice: it was "
                        + "not kept. Try again later."
                );
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Brings the partial file to its full length, however often the connection breaks as long as it brings something.</summary>
    private async Task FillAsync(HubRepository repository, HubFile file, string partial, Action<long> report, CancellationToken stop)
    {
        if (File.Exists(partial) && new FileInfo(partial).Length > file.Size) File.Delete(partial);
        await using var stream = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, 1 << 16);
        for (var failed = 0; stream.Length < file.Size || file.Size == 0;)
        {
            var before = stream.Length;
            try
            {
                await ReceiveAsync(repository, file, stream, report, stop);
                if (file.Size == 0) break;
            }
            catch (Exception error) when (Retry.IsPassing(error) && error is not UserErrorException)
            {
                if (stream.Length > before) failed = 0;
                if (Retry.IsLast(failed))
                {
                    throw new UserErrorException(
                        $"'{file.Path}' could not be fetched: {error.Message} {stream.Length} of {file.Size} bytes are kept. "
                            + "The same command goes on from there.",
                        error
                    );
                }
                await Retry.PauseAsync(failed++, hub.FirstPause, stop);
            }
        }
        await stream.FlushAsync(stop);
        stream.Flush(flushToDisk: true);
    }

    private async Task ReceiveAsync(HubRepository repository, HubFile file, FileStream stream, Action<long> report, CancellationToken stop)
    {
        using var response = await hub.OpenAsync(repository, file, stream.Length, stop);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            stream.SetLength(0);
            throw new HttpRequestException("The server knows no such range.");
        }
        if (Retry.IsPassing(response.StatusCode)) throw new HttpRequestException($"The server answered {(int)response.StatusCode}.");
        if (!response.IsSuccessStatusCode) throw hub.Refused(repository, response.StatusCode, $"file '{file.Path}' of '{repository.Name}'");
        // A server without ranges sends all from the start.
        var start = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.From ?? 0 : 0;
        if (start > stream.Length)
            throw new HttpRequestException($"The server sent bytes from {start} on where {stream.Length} were asked for.");
        stream.SetLength(start);
        stream.Position = start;
        await using var body = await response.Content.ReadAsStreamAsync(stop);
        var buffer = new byte[BufferBytes];
        while (true)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(hub.Patience);
            int read;
            try
            {
                read = await body.ReadAsync(buffer, patience.Token);
            }
            catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
            {
                throw new HttpRequestException($"The server was silent for {hub.Patience.TotalSeconds:0} seconds.", error);
            }
            if (read == 0) break;
            if (stream.Position + read > file.Size)
            {
                await stream.WriteAsync(buffer.AsMemory(0, read), stop); // so long that it is seen to be none of this file, and deleted
                throw new UserErrorException(
                    $"'{file.Path}' of '{repository.Name}' is longer than the {file.Size} bytes the hub announced: it was "
                        + "not kept. Try again later."
                );
            }
            await stream.WriteAsync(buffer.AsMemory(0, read), stop);
            report(stream.Position);
        }
        if (stream.Position < file.Size)
            throw new HttpRequestException($"The connection ended after {stream.Position} of {file.Size} bytes.");
    }

    private static bool TooLong(string partial, HubFile file) => File.Exists(partial) && new FileInfo(partial).Length > file.Size;

    private static bool Matches(string path, HubFile file)
    {
        using var stream = RegularFile.OpenRead(path);
        if (stream.Length != file.Size)
            return false;
        if (file.Sha256 is { } expected)
            return string.Equals(Convert.ToHexString(SHA256.HashData(stream)), expected, StringComparison.OrdinalIgnoreCase);
        if (file.GitHash is not { Length: 40 } git)
            return true;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Size}\0"));
        var buffer = new byte[BufferBytes];
        while (stream.Read(buffer) is var read and > 0) hash.AppendData(buffer, 0, read);
        return string.Equals(Convert.ToHexString(hash.GetHashAndReset()), git, StringComparison.OrdinalIgnoreCase);
    }

    private static void CheckRoom(string folder, List<HubFile> files)
    {
        long Missing(HubFile file)
        {
            var path = Path.Combine(folder, file.Path);
            foreach (var present in (string[])[path, path + AtomicFile.TemporarySuffix])
            {
                if (File.Exists(present)) return Math.Max(0, file.Size - new FileInfo(present).Length);
            }
            return file.Size;
        }
        var needed = files.Sum(Missing);
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (needed > free)
        {
            throw new UserErrorException(
                $"The model needs {needed} more bytes but the disk of '{folder}' has {free} free: free some space or name another --out."
            );
        }
    }
}
