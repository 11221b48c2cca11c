using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Dolmen.Tests.Web.Crawling;

/// <summary>A web server on a free port of this machine that says exactly what a test wants, byte by byte.</summary>
internal sealed class LoopbackSite : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly Dictionary<string, Func<string, NetworkStream, Task>> _answers = new(StringComparer.Ordinal);

    public LoopbackSite()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Address = $"http://127.0.0.1:{Port}/";
        _ = Task.Run(AcceptAsync);
    }

    public int Port { get; }

    public string Address { get; }

    /// <summary>The paths that were asked for, in order.</summary>
    public ConcurrentQueue<string> Paths { get; } = new();

    /// <summary>The heads of the requests.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public LoopbackSite Page(string path, string html, string headers = "") =>
        Say(path, "200 OK", html, "Content-Type: text/html\r\n" + headers);

    public LoopbackSite Say(string path, string status, string body = "", string headers = "") =>
        Raw(path, _ => $"HTTP/1.1 {status}\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <param name="answer">Gets the head of the request and gives all of the answer.</param>
    public LoopbackSite Raw(string path, Func<string, string> answer) =>
        Stream(path, async (head, stream) => await stream.WriteAsync(Encoding.UTF8.GetBytes(answer(head))));

    public LoopbackSite Stream(string path, Func<string, NetworkStream, Task> answer)
    {
        _answers[path] = answer;
        return this;
    }

    public void Dispose()
    {
        _closed.Cancel();
        _listener.Stop();
        _closed.Dispose();
    }

    private async Task AcceptAsync()
    {
        var stop = _closed.Token;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var client = await _listener.AcceptTcpClientAsync(stop);
                _ = Task.Run(() => ServeAsync(client, stop), CancellationToken.None);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException) { }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken stop)
    {
        try
        {
            using (client)
            {
                client.NoDelay = true;
                var stream = client.GetStream();
                while (await HeadAsync(stream, stop) is { } head)
                {
                    var path = head.Split(' ')[1];
                    Paths.Enqueue(path);
                    Requests.Enqueue(head);
                    if (_answers.TryGetValue(path, out var answer)) await answer(head, stream);
                    else await stream.WriteAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), stop);
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { }
    }

    private static async Task<string?> HeadAsync(NetworkStream stream, CancellationToken stop)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stop) == 0) return null;
            head.Append((char)one[0]);
        }
        return head.ToString();
    }
}
