using System.Net;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Hub;

namespace Dolmen.Tests.Checkpoints;

/// <summary>A hub on a free port of this machine.</summary>
internal sealed class LoopbackHub : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Dictionary<string, (byte[] Content, bool Large)> _files = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public LoopbackHub()
    {
        // Another program may take the port between finding it free and listening on it: then another one is found.
        for (var attempt = 0; ; attempt++)
        {
            using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            }
            _listener = new HttpListener();
            _listener.Prefixes.Add(Address);
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 5) { }
        }
        _ = Task.Run(ServeAsync);
    }

    public string Address { get; }

    public List<string> Requests { get; } = [];

    public List<string?> Tokens { get; } = [];

    public List<string> Ranges { get; } = [];

    public int BreakAfter { get; set; }

    public int FailFirst { get; set; }

    public bool KnowsRanges { get; set; } = true;

    public bool Excess { get; set; }

    /// <summary>How the list of files comes: a byte now and then, or only its beginning.</summary>
    public TimeSpan? Drip { get; set; }

    public CancellationToken Closed => _closed.Token;

    private readonly CancellationTokenSource _closed = new();

    public string? Spoil { get; set; }

    public string? RedirectTo { get; set; }

    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    public void Large(string path, byte[] content) => _files[path] = (content, true);

    public void Small(string path, string content) => _files[path] = (Encoding.UTF8.GetBytes(content), false);

    public void Dispose()
    {
        _closed.Cancel();
        _listener.Close();
    }

    private async Task DripAsync(HttpListenerResponse response, string text, TimeSpan pause)
    {
        try
        {
            foreach (var letter in Encoding.UTF8.GetBytes(text))
            {
                await response.OutputStream.WriteAsync(new[] { letter }, Closed);
                await response.OutputStream.FlushAsync(Closed);
                await Task.Delay(pause, Closed);
            }
        }
        // The client gave up, or the test has ended.
        catch (Exception error)
            when (error is HttpListenerException or ObjectDisposedException or OperationCanceledException or IOException) { }
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                Answer(await _listener.GetContextAsync());
            }
            // The test has what it wants and closes, or this server breaks the connection on purpose.
            catch (Exception error)
                when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException or IOException) { }
        }
    }

    private void Answer(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Url?.AbsolutePath ?? "";
        lock (_gate)
        {
            Requests.Add(path);
            Tokens.Add(request.Headers["Authorization"]);
        }
        if (FailFirst > 0 || Status != HttpStatusCode.OK)
        {
            FailFirst--;
            response.StatusCode = Status != HttpStatusCode.OK ? (int)Status : 503;
            response.Close();
        }
        else if (path.Contains("/revision/", StringComparison.Ordinal))
            Text(response, """{"sha":"0123456789abcdef0123456789abcdef01234567"}""");
        else if (path.Contains("/tree/0123456789abcdef0123456789abcdef01234567", StringComparison.Ordinal))
        {
            if (Drip is { } pause) _ = DripAsync(response, Tree(), pause);
            else Text(response, Tree());
        }
        else if (
            _files.FirstOrDefault(file => path.EndsWith($"/{file.Key}", StringComparison.Ordinal)) is { Key: { } key, Value: var file }
        )
        {
            if (RedirectTo is { } other && file.Large)
            {
                response.Redirect($"{other}elsewhere/{key}");
                response.Close();
            }
            else Send(request, response, key, file.Content);
        }
        else
        {
            response.StatusCode = 404;
            response.Close();
        }
    }

    private void Send(HttpListenerRequest request, HttpListenerResponse response, string name, byte[] content)
    {
        var from = 0;
        if (request.Headers["Range"] is { } range)
        {
            lock (_gate) Ranges.Add(range);
            if (KnowsRanges)
            {
                from = int.Parse(range["bytes=".Length..^1]);
                response.StatusCode = 206;
                response.AddHeader("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}");
            }
        }
        if (Spoil == name) content = [.. content.Select(value => (byte)(value ^ 1))];
        if (Excess) content = [.. content, 1, 2, 3];
        response.SendChunked = BreakAfter > 0 && content.Length > BreakAfter;
        if (response.SendChunked)
        {
            response.OutputStream.Write(content, from, BreakAfter - from);
            response.OutputStream.Flush();
            BreakAfter = 0;
            Thread.Sleep(50);                                            // let what was sent arrive before the connection is cut
            response.Abort();
            return;
        }
        response.ContentLength64 = content.Length - from;
        response.OutputStream.Write(content, from, content.Length - from);
        response.Close();
    }

    private string Tree()
    {
        var entries = _files.Select(file =>
        {
            var path = System.Text.Json.JsonSerializer.Serialize(file.Key);
            var size = file.Value.Content.Length;
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(file.Value.Content));
            return file.Value.Large
                ? $$"""{"type":"file","path":{{path}},"size":{{size}},"oid":"x","lfs":{"oid":"{{sha256}}","size":{{size}},"pointerSize":130} }"""
                : $$"""{"type":"file","path":{{path}},"size":{{size}},"oid":"{{GitHash(file.Value.Content)}}" }""";
        });
        return $"[{string.Join(',', entries.Append("""{"type":"directory","path":"sub","size":0,"oid":"x"}"""))}]";
    }

    private static string GitHash(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {content.Length}\0"));
        hash.AppendData(content);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Text(HttpListenerResponse response, string text)
    {
        response.OutputStream.Write(Encoding.UTF8.GetBytes(text));
        response.Close();
    }
}
