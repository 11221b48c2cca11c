using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Hub;

/// <summary>Talks to a hub that speaks Hugging Face's HTTP interface. The token goes to the hub's own origin and nowhere else: redirects
/// are followed by hand, without it.</summary>
public sealed class HubClient : IDisposable
{
    public const string DefaultEndpoint = "https://huggingface.co";

    private const int MostRedirects = 8, MostFiles = 20_000, MostPages = 200;
    private const long LargestListing = 64 << 20, LargestFile = 1L << 42;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        UseCookies = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private readonly Uri _endpoint;
    private readonly string? _token;

    /// <exception cref="UserErrorException">The endpoint is not an http address.</exception>
    public HubClient(string? endpoint = null, string? token = null)
    {
        var address = string.IsNullOrEmpty(endpoint) ? DefaultEndpoint : endpoint;
        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
        {
            throw new UserErrorException($"HF_ENDPOINT is '{SecretFree.Address(address)}': it must be an address like {DefaultEndpoint}.");
        }
        if (uri.UserInfo.Length > 0)
        {
            throw new UserErrorException(
                $"HF_ENDPOINT is '{SecretFree.Address(address)}': it must not hold a name and password. Put a token into HF_TOKEN."
            );
        }
        (_endpoint, _token) = (uri, string.IsNullOrWhiteSpace(token) ? null : token.Trim());
        if (_token is not null && _token.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new UserErrorException(
                "HF_TOKEN holds a blank, a line break or a character that is not ASCII inside: a token is one word. Copy it again from "
                    + "your account's page."
            );
        }
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("dolmen", "1"));
    }

    /// <summary>How long a server may stay silent, and how long all of a page of its list of files may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The pause before a failed request is tried again for the first time.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The repository pinned to the commit its revision means now.</summary>
    public async Task<HubRepository> PinAsync(HubRepository repository, CancellationToken stop)
    {
        using var document = await JsonAsync(
            repository,
            Address($"api/models/{repository.Name}/revision/{Uri.EscapeDataString(repository.Revision)}"),
            stop
        );
        return
            document.Json.RootElement.ValueKind == JsonValueKind.Object
            && document.Json.RootElement.TryGetProperty("sha", out var sha)
            && sha.ValueKind == JsonValueKind.String
            ? new HubRepository(repository.Name, sha.GetString() ?? "")
            : repository;
    }

    public async Task<IReadOnlyList<HubFile>> ListAsync(HubRepository repository, CancellationToken stop)
    {
        var files = new List<HubFile>();
        Uri? page = Address($"api/models/{repository.Name}/tree/{Uri.EscapeDataString(repository.Revision)}?recursive=true");
        for (var pages = 0; page is not null; pages++)
        {
            if (pages == MostPages) throw Odd(repository, $"its list of files has more than {MostPages} pages");
            using var listing = await JsonAsync(repository, page, stop);
            if (listing.Json.RootElement.ValueKind != JsonValueKind.Array) throw Odd(repository, "its list of files is not an array");
            foreach (var item in listing.Json.RootElement.EnumerateArray())
            {
                if (Entry(repository, item) is { } file) files.Add(file);
            }
            if (files.Count > MostFiles) throw Odd(repository, $"it lists more than {MostFiles} files");
            page = listing.Next;
        }
        if (files.Select(file => file.Path).Distinct(StringComparer.OrdinalIgnoreCase).Count() != files.Count)
        {
            throw Odd(repository, "it lists a file twice");
        }
        var paths = files.Select(file => file.Path).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var file in files)
        {
            for (var slash = file.Path.LastIndexOf('/'); slash > 0; slash = file.Path.LastIndexOf('/', slash - 1))
            {
                if (paths.TryGetValue(file.Path[..slash], out var parent))
                    throw Odd(repository, $"it lists '{parent}' as a file and '{file.Path}' in a folder of that name");
            }
        }
        return files;
    }

    /// <summary>The file's content from a byte on: the answer to a range, or all of it where the server knows no ranges.</summary>
    internal Task<HttpResponseMessage> OpenAsync(HubRepository repository, HubFile file, long from, CancellationToken stop)
    {
        var path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
        return SendAsync(Address($"{repository.Name}/resolve/{Uri.EscapeDataString(repository.Revision)}/{path}"), from, stop);
    }

    /// <summary>What the user can be told of an answer that is none.</summary>
    internal UserErrorException Refused(HubRepository repository, HttpStatusCode status, string what) =>
        status switch
        {
            HttpStatusCode.Unauthorized => new(
                _token is null
                    ? $"{_endpoint.Host} lets nobody see {what} without a token: '{repository.Name}' does not exist, is private, or its "
                        + $"licence must be accepted first. Check the name, or put a token into HF_TOKEN."
                    : $"{_endpoint.Host} does not accept the token in HF_TOKEN for {what}: make a new one on your account's page."
            ),
            HttpStatusCode.Forbidden => new(
                $"{_endpoint.Host} refuses {what}: ask for access at {_endpoint}{repository.Name} and put a token of that "
                    + "account into HF_TOKEN."
            ),
            HttpStatusCode.NotFound => new($"{_endpoint.Host} has no {what}: check the name and the revision '{repository.Revision}'."),
            _ => new($"{_endpoint.Host} answered {(int)status} for {what}: try again later."),
        };

    public void Dispose() => _http.Dispose();

    private Uri Address(string path) => new(_endpoint, path);

    /// <summary>The answer's headers, whatever its status, after redirects. <paramref name="from"/> above 0 asks for the rest.</summary>
    private async Task<HttpResponseMessage> SendAsync(Uri address, long from, CancellationToken stop)
    {
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (_token is not null && IsOurs(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(Patience);
            HttpResponseMessage response;
            try
            {
                response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            }
            catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
            {
                throw new HttpRequestException($"{address.Host} did not answer within {Patience.TotalSeconds:0} seconds.", error);
            }
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308)) return response;
            using (response)
            {
                var next = response.Headers.Location is { } location ? new Uri(address, location) : null;
                if (next is null || next.Scheme is not ("https" or "http") || (address.Scheme == "https" && next.Scheme == "http"))
                {
                    throw new UserErrorException(
                        $"{address.Host} sends the download to '{(next is null ? "" : SecretFree.Address(next.OriginalString))}', which is "
                            + $"not an https address: nothing was fetched from there."
                    );
                }
                address = next;
            }
        }
        throw new UserErrorException($"{address.Host} redirects more than {MostRedirects} times: check HF_ENDPOINT.");
    }

    private bool IsOurs(Uri address) =>
        address.Scheme == _endpoint.Scheme && address.IdnHost == _endpoint.IdnHost && address.Port == _endpoint.Port;

    private async Task<Listing> JsonAsync(HubRepository repository, Uri address, CancellationToken stop)
    {
        try
        {
            return await Retry.RunAsync(() => JsonOnceAsync(repository, address, stop), FirstPause, stop);
        }
        catch (Exception error) when (Retry.IsPassing(error))
        {
            throw new UserErrorException(
                $"{address.Host} cannot be reached: {error.Message} Check the network and HF_ENDPOINT, then try again.",
                error
            );
        }
    }

    private async Task<Listing> JsonOnceAsync(HubRepository repository, Uri address, CancellationToken stop)
    {
        using var response = await SendAsync(address, 0, stop);
        if (Retry.IsPassing(response.StatusCode)) throw new HttpRequestException($"It answered {(int)response.StatusCode}.");
        if (!response.IsSuccessStatusCode)
        {
            throw Refused(repository, response.StatusCode, $"model '{repository.Name}' at '{repository.Revision}'");
        }
        return new Listing(
            JsonInput.Parse(await BodyAsync(repository, address, response, stop), $"The answer of {address.Host}"),
            Next(address, response)
        );
    }

    /// <summary>All of an answer, which is small: one that drips is not waited for longer than one that is silent.</summary>
    private async Task<byte[]> BodyAsync(HubRepository repository, Uri address, HttpResponseMessage response, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        using var bytes = new MemoryStream();
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            var buffer = new byte[1 << 16];
            while (await body.ReadAsync(buffer, patience.Token) is var read and > 0)
            {
                bytes.Write(buffer, 0, read);
                if (bytes.Length > LargestListing) throw Odd(repository, $"its list of files is larger than {LargestListing} bytes");
            }
        }
        catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
        {
            throw new HttpRequestException(
                $"{address.Host} did not send its whole answer within {Patience.TotalSeconds:0} seconds.",
                error
            );
        }
        return bytes.ToArray();
    }

    /// <summary>The next page, which must be of the same origin.</summary>
    private Uri? Next(Uri address, HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links))
            return null;
        var link = links
            .SelectMany(value => value.Split(','))
            .FirstOrDefault(value => value.Contains("rel=\"next\"", StringComparison.Ordinal));
        var (open, close) = (link?.IndexOf('<') ?? -1, link?.IndexOf('>') ?? -1);
        return
            link is not null && open >= 0 && close > open && Uri.TryCreate(address, link[(open + 1)..close], out var next) && IsOurs(next)
            ? next
            : null;
    }

    private static HubFile? Entry(HubRepository repository, JsonElement item)
    {
        string? Text(JsonElement parent, string name) =>
            parent.ValueKind == JsonValueKind.Object
            && parent.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
        if (Text(item, "type") == "directory")
            return null;
        var large =
            item.ValueKind == JsonValueKind.Object && item.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object
                ? lfs
                : (JsonElement?)null;
        var path = Text(item, "path") ?? throw Odd(repository, "it lists a file without a path");
        var size = Size(item) ?? throw Odd(repository, $"it lists '{path}' without a size");
        if (large is not { } pointer)
            return new HubFile(path, size, null, Text(item, "oid"));
        return new HubFile(
            path,
            Size(pointer) ?? size,
            Text(pointer, "oid") ?? throw Odd(repository, $"it lists '{path}' without a checksum"),
            null
        );
    }

    private static long? Size(JsonElement item) => item.TryGetProperty("size", out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var size) && size is >= 0 and <= LargestFile ? size : null;

    private static UserErrorException Odd(HubRepository repository, string rule) =>
        new($"The hub's answer for '{repository.Name}' cannot be used: {rule}. Check HF_ENDPOINT.");

    private sealed record Listing(JsonDocument Json, Uri? Next) : IDisposable
    {
        public void Dispose() => Json.Dispose();
    }
}
