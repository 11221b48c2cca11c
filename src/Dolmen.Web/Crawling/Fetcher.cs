using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Dolmen.Web.Crawling;

/// <summary>A request came to nothing.</summary>
/// <param name="kind">A short name to count by.</param>
/// <param name="passing">Whether another try may go better.</param>
internal sealed class FetchException(string kind, string message, bool passing, Exception? cause = null) : Exception(message, cause)
{
    public string Kind => kind;

    public bool Passing => passing;
}

/// <summary>One connection's worth of a browser: asks for one address at a time, follows no redirect, keeps no cookie, undoes no
/// compression, uses no proxy (which would connect where the guard cannot look).</summary>
internal sealed class Fetcher : IDisposable
{
    private const string RemoteKey = "dolmen.remote";
    private const int MaxHeadKilobytes = 64;

    private static readonly HttpRequestOptionsKey<string> Remote = new(RemoteKey);
    private static readonly string[] TextTypes =
    [
        "application/xhtml+xml",
        "application/xml",
        "application/rss+xml",
        "application/atom+xml",
        "application/json",
        "application/ld+json",
        "",
    ];

    private readonly WireRecorder _recorder = new();
    private readonly CrawlSettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public Fetcher(CrawlSettings settings, ConnectionGuard guard, TimeProvider time)
    {
        (_settings, _time) = (settings, time);
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                UseCookies = false,
                UseProxy = false,
                ActivityHeadersPropagator = null,
                MaxConnectionsPerServer = 1,
                MaxResponseHeadersLength = MaxHeadKilobytes,
                MaxResponseDrainSize = 0,
                ConnectTimeout = TimeSpan.FromSeconds(settings.TimeoutSeconds),
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
                ConnectCallback = async (context, stop) =>
                {
                    var (stream, remote) = await guard.ConnectAsync(context.DnsEndPoint, stop);
                    context.InitialRequestMessage.Options.Set(Remote, remote);
                    return stream;
                },
                PlaintextStreamFilter = (context, _) =>
                    ValueTask.FromResult<Stream>(
                        new WireStream(
                            context.PlaintextStream,
                            _recorder,
                            context.InitialRequestMessage.Options.TryGetValue(Remote, out var remote) ? remote : null
                        )
                    ),
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <param name="conditions">Headers that ask for the page only if it changed.</param>
    /// <param name="mostBytes">Most bytes of the body.</param>
    /// <param name="textOnly">Whether a body that is not text is left unread.</param>
    /// <exception cref="FetchException">There is no answer, or none that is wanted.</exception>
    public async Task<Exchange> FetchAsync(
        WebAddress address,
        IReadOnlyList<(string Name, string Value)> conditions,
        long mostBytes,
        bool textOnly,
        CancellationToken stop
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address.Uri)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TryAddWithoutValidation("User-Agent", _settings.UserAgent);
        request.Headers.TryAddWithoutValidation("Accept", "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip, br");
        foreach (var (name, value) in conditions) request.Headers.TryAddWithoutValidation(name, value);
        _recorder.Begin(mostBytes + (MaxHeadKilobytes << 10) * 2);
        var date = _time.GetUtcNow();
        var started = _time.GetTimestamp();
        // Patience is the machine's own: a crawl whose clock is a test's must not give up at once.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(_settings.TimeoutSeconds));
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (textOnly && (int)response.StatusCode is >= 200 and < 300 && !IsText(response.Content.Headers.ContentType?.MediaType))
                throw new FetchException("not-text", $"it is {response.Content.Headers.ContentType?.MediaType}", passing: false);
            patience.CancelAfter(TimeSpan.FromSeconds(_settings.TimeoutSeconds * 4));
            var (payload, truncated) = await ReadAsync(response, mostBytes, patience.Token, stop);
            return Assemble(address, date, _time.GetElapsedTime(started), payload, truncated, response, mostBytes);
        }
        catch (OperationCanceledException error) when (!stop.IsCancellationRequested)
        {
            throw new FetchException("timeout", $"no answer within {_settings.TimeoutSeconds} seconds", passing: true, error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or SocketException or InvalidOperationException)
        {
            throw Explain(error);
        }
    }

    public void Dispose() => _http.Dispose();

    public static bool IsText(string? mediaType) => (mediaType ?? "").Trim().ToLowerInvariant() is var type
        && (type.StartsWith("text/", StringComparison.Ordinal) || TextTypes.Contains(type));

    private async Task<(byte[] Payload, string? Truncated)> ReadAsync(
        HttpResponseMessage response,
        long most,
        CancellationToken patience,
        CancellationToken stop
    )
    {
        using var payload = new MemoryStream();
        var buffer = new byte[1 << 15];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(patience);
            while (await body.ReadAsync(buffer, patience) is var read and > 0)
            {
                var room = most - payload.Length;
                payload.Write(buffer, 0, (int)Math.Min(read, room));
                if (read > room || _recorder.Overflowed) return (payload.ToArray(), "length");
            }
            return (payload.ToArray(), null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (payload.ToArray(), "time");
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return (payload.ToArray(), "disconnect");
        }
    }

    private Exchange Assemble(
        WebAddress address, DateTimeOffset date, TimeSpan took, byte[] payload, string? truncated, HttpResponseMessage response, long most)
    {
        var wire = _recorder.Response;
        // Interim answers (100, 103) go before the one that counts.
        while (wire.Length > 12 && wire.Span[9] == '1' && End(wire.Span) is > 0 and var interim) wire = wire[interim..];
        var end = End(wire.Span);
        var (head, body) = end > 0 ? (wire[..end], wire[end..]) : (wire, ReadOnlyMemory<byte>.Empty);
        // Without chunks the body is the payload, and what a server sends behind the announced end is not part of it.
        body = response.Headers.TransferEncodingChunked == true ? body[..(int)Math.Min(body.Length, most)] : payload;
        return new Exchange(
            address,
            date,
            took,
            _recorder.RemoteAddress,
            _recorder.Request.ToArray(),
            head.ToArray(),
            body.ToArray(),
            payload,
            truncated,
            response.StatusCode,
            response.Headers,
            response.Content.Headers
        );

        static int End(ReadOnlySpan<byte> bytes)
        {
            var (strict, lax) = (bytes.IndexOf("\r\n\r\n"u8), bytes.IndexOf("\n\n"u8));
            return lax >= 0 && (strict < 0 || lax < strict) ? lax + 2 : strict >= 0 ? strict + 4 : -1;
        }
    }

    private static FetchException Explain(Exception error)
    {
        for (var at = error; at is not null; at = at.InnerException)
        {
            switch (at)
            {
                case PrivateAddressException:
                    return new("private-address", at.Message, passing: false, error);
                case AuthenticationException:
                    return new("tls", at.Message, passing: false, error);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData }:
                    return new("dns", at.Message, passing: false, error);
                case SocketException { SocketErrorCode: SocketError.TryAgain }:
                    return new("dns", at.Message, passing: true, error);
                case HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                    return new("head-too-long", at.Message, passing: false, error);
                case HttpRequestException
                {
                    HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.VersionNegotiationError
                }:
                    return new("protocol", at.Message, passing: false, error);
            }
        }
        return new FetchException("connection", error.Message, passing: true, error);
    }
}
