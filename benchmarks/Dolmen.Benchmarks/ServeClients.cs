using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Benchmarks;

/// <summary>A request and the text that it got when nobody else was there.</summary>
internal sealed record ServeRequest(string Body, int Tokens)
{
    public string? Alone { get; set; }
}

/// <param name="Lost">Requests that got no answer, or an error.</param>
/// <param name="Different">Texts that are not those computed alone.</param>
internal sealed record ServeOutcome(int Answered, int Lost, int Different, long Tokens, double Seconds, IReadOnlyList<double> Latencies)
{
    public double TokensPerSecond => Tokens / Seconds;

    public double MedianLatency => Latencies.Count == 0 ? double.NaN : Latencies.Order().ElementAt(Latencies.Count / 2);
}

/// <summary>Clients of a running server over real connections: good ones, which check what they get, and bad ones.</summary>
internal sealed class ServeClients(Uri address, IReadOnlyList<ServeRequest> requests) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>One client, one request after the other: their texts are what all later ones are compared with.</summary>
    public async Task<ServeOutcome> Alone(CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        foreach (var request in requests) request.Alone = await Ask(request, stream: false, stop);
        return new ServeOutcome(requests.Count, 0, 0, requests.Sum(request => request.Tokens), clock.Elapsed.TotalSeconds, []);
    }

    /// <summary><paramref name="clients"/> at once, until each has made <paramref name="each"/> requests or <paramref name="seconds"/> are
    /// over; every other request streams.</summary>
    public async Task<ServeOutcome> Together(int clients, int each, double seconds, CancellationToken stop)
    {
        var (answered, lost, different, tokens) = (0, 0, 0, 0L);
        var latencies = new ConcurrentBag<double>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            for (var i = 0; i < each && clock.Elapsed.TotalSeconds < seconds; i++)
            {
                var request = requests[(client * 7 + i) % requests.Count];
                var started = clock.Elapsed;
                try
                {
                    var text = await Ask(request, stream: i % 2 == 1, stop);
                    Interlocked.Increment(ref answered);
                    Interlocked.Add(ref tokens, request.Tokens);
                    if (text != request.Alone) Interlocked.Increment(ref different);
                    latencies.Add((clock.Elapsed - started).TotalMilliseconds / request.Tokens);
                }
                catch (Exception error) when (error is HttpRequestException or IOException or JsonException)
                {
                    Interlocked.Increment(ref lost);
                }
            }
        }, stop)));
        return new ServeOutcome(answered, lost, different, tokens, clock.Elapsed.TotalSeconds, [.. latencies]);
    }

    /// <summary>Until <paramref name="over"/>: clients that leave in the middle of a stream, that never read theirs, and whose requests
    /// never end. None checks anything.</summary>
    public Task Disturb(int ofEachKind, CancellationToken over) => Task.WhenAll(
        Enumerable.Range(0, ofEachKind).SelectMany(i => new[]
        {
            Repeat(random => Leave(random, over), (ulong)i, over), Repeat(_ => NeverRead(over), (ulong)i, over),
            Repeat(_ => NeverEnd(over), (ulong)i, over),
        }));

    /// <summary>The longest time between two pieces of one stream, in milliseconds, while <paramref name="beside"/> runs.</summary>
    public async Task<double> LongestGap(string body, Func<Task> beside, CancellationToken stop)
    {
        using var response = await Post(body, HttpCompletionOption.ResponseHeadersRead, stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        Task? other = null;
        var (longest, last, pieces) = (0.0, Stopwatch.GetTimestamp(), 0);
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal)) continue;
            if (other is not null) longest = Math.Max(longest, Stopwatch.GetElapsedTime(last).TotalMilliseconds);
            last = Stopwatch.GetTimestamp();
            if (++pieces == 20) other = Task.Run(beside, stop);
            if (other is { IsCompleted: true }) break;
        }
        await (other ?? Task.CompletedTask);
        return longest;
    }

    public async Task<string> Ask(ServeRequest request, bool stream, CancellationToken stop)
    {
        if (!stream)
        {
            using var whole = await Post(request.Body, HttpCompletionOption.ResponseContentRead, stop);
            return TextOf(await whole.Content.ReadAsStringAsync(stop));
        }
        using var response = await Post(Streamed(request), HttpCompletionOption.ResponseHeadersRead, stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        var (text, done) = (new StringBuilder(), false);
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line == "data: [DONE]") done = true;
            else if (line.Length > 0) text.Append(TextOf(line["data: ".Length..]));
        }
        return done ? text.ToString() : throw new IOException("The stream ended early.");
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> Post(string body, HttpCompletionOption until, CancellationToken stop)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        var response = await _http.SendAsync(message, until, stop);
        return response.EnsureSuccessStatusCode();
    }

    private static string TextOf(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("choices")[0].GetProperty("text").GetString() ?? "";
    }

    private static string Streamed(ServeRequest request) => request.Body.TrimEnd('}') + ",\"stream\":true}";

    private static async Task Repeat(Func<StableRandom, Task> one, ulong seed, CancellationToken over)
    {
        var random = new StableRandom(seed);
        while (!over.IsCancellationRequested)
        {
            try
            {
                await one(random);
            }
            catch (Exception error) when (error is HttpRequestException or IOException or SocketException or OperationCanceledException)
            {
                // What happens to them is their own doing.
            }
        }
    }

    private async Task Leave(StableRandom random, CancellationToken over)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(over);
        leaving.CancelAfter(TimeSpan.FromMilliseconds(1 + random.Next(200)));
        await Ask(requests[random.Next(requests.Count)], stream: true, leaving.Token);
    }

    private async Task NeverRead(CancellationToken over)
    {
        var body = Streamed(requests[0]);
        await Hold($"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}", over);
    }

    private Task NeverEnd(CancellationToken over) => Hold("Transfer-Encoding: chunked\r\n\r\n5\r\n{\"pro\r\n", over);

    /// <summary>Sends this and then neither reads nor writes for as long as the server lets it.</summary>
    private async Task Hold(string request, CancellationToken over)
    {
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(address.Host, address.Port, over);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{request}"), over);
        await Task.Delay(TimeSpan.FromSeconds(2), over);
    }
}
