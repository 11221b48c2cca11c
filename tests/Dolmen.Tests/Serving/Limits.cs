using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>What one client may take from the server, and how slow it may be.</summary>
public class Limits
{
    private const string Path = "/v1/completions";

    private static readonly ServerOptions Impatient = new() { GraceSeconds = 1.5 };

    [Fact]
    public async Task Choices_are_streamed_beside_each_other_and_are_the_texts_of_the_whole_answer()
    {
        using var hold = new SemaphoreSlim(0);
        var model = FakeModel.OfHistory(ByteTokenizer.PairBase, 64);
        await using var server = await RunningServer.Start(model);
        const string request = """{"prompt":"a","n":3,"max_tokens":12,"seed":5,"skip_special_tokens":false,"stream":STREAM}""";
        var whole = JsonDocument.Parse((await server.Post(Path, request.Replace("STREAM", "false"))).Body).RootElement
            .GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()!).ToArray();

        model.BeforeStep = hold.Wait;
        using var message = new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Content = new StringContent(request.Replace("STREAM", "true"), Encoding.UTF8, "application/json"),
        };
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(TimeSpan.FromSeconds(30));
        var (texts, finished, early) = (new string[3], 0, new HashSet<int>());
        try
        {
            using var response = await server.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, late.Token);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(late.Token));
            while (await reader.ReadLineAsync(late.Token) is { } line)
            {
                if (line.Length == 0 || line == "data: [DONE]") continue;
                var choice = JsonDocument.Parse(line["data: ".Length..]).RootElement.GetProperty("choices")[0];
                var index = choice.GetProperty("index").GetInt32();
                texts[index] += choice.GetProperty("text").GetString();
                if (choice.GetProperty("finish_reason").ValueKind != JsonValueKind.Null) finished++;
                else if (finished == 0) early.Add(index);
                hold.Release(3);                                         // a step for each piece that came
            }
        }
        finally
        {
            hold.Release(100);
        }
        Assert.Equal(whole, texts);
        Assert.Equal((3, 3), (finished, early.Count));
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task A_request_ends_when_its_time_is_over(string stream)
    {
        var model = Endless();
        model.BeforeStep = () => Thread.Sleep(1);
        await using var server = await RunningServer.Start(model, new ServerOptions(MaxSeconds: 0.3));
        var (status, body) = await server.Post(Path, $$"""{"prompt":"a","max_tokens":100000,"stream":{{stream}}}""");
        Assert.Equal(stream == "true" ? HttpStatusCode.OK : HttpStatusCode.BadRequest, status);
        Assert.Contains("longer than the 0.3 seconds", body);
        Assert.Contains("\"code\":\"time_limit_exceeded\"", body);
        Assert.DoesNotContain("[DONE]", body);
        Assert.Contains("num_requests_running{model_name=\"fake\"} 0\n", await server.Get("/metrics"));
        Assert.Contains("\"text\":\"ba\"", (await server.Post(Path, """{"prompt":"a","max_tokens":2}""")).Body);
    }

    [Theory]
    [InlineData("""{"prompt":"abcdef","max_tokens":1}""", "The prompt has 7 tokens, and this server reads at most 6 (--max-prompt)")]
    [InlineData("""{"prompt":["a","b"],"n":3,"max_tokens":1}""", "The request asks for 6 texts, and this server writes at most 5")]
    [InlineData("""{"prompt":["a","b","a","b","a","b"],"max_tokens":1}""", "The request asks for 6 texts")]
    public async Task A_request_may_ask_for_so_much(string request, string says)
    {
        await using var server = await RunningServer.Start(options: new ServerOptions(Limits: new RequestLimits(6, 5)));
        var (status, body) = await server.Post(Path, request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(says, body);
        Assert.Equal(0, server.Model.TokensFed);
        Assert.Equal(HttpStatusCode.OK, (await server.Post(Path, """{"prompt":"abcde","n":5,"max_tokens":1}""")).Status);
    }

    [Theory]
    [InlineData("Content-Length: 1000", "{\"prompt\":")]
    [InlineData("Transfer-Encoding: chunked", "5\r\n{\"pro\r\n")]
    public async Task A_body_that_does_not_end_is_cut_off(string length, string part)
    {
        await using var server = await RunningServer.Start(options: Impatient);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n{part}"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("{\"error\":{\"message\":", answer);
        Assert.Empty(server.Log);
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_stream_loses_it_and_holds_nobody_up()
    {
        await using var server = await RunningServer.Start(Endless(), Impatient);
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        const string request = """{"prompt":"a","max_tokens":100000000,"stream":true}""";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
            $"Content-Length: {request.Length}\r\n\r\n{request}"), TestContext.Current.CancellationToken);
        while (server.Model.TokensFed < 100) await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Contains("\"text\":\"ba\"", (await server.Post(Path, """{"prompt":"a","max_tokens":2}""")).Body);
        while (!(await server.Get("/metrics")).Contains("num_requests_running{model_name=\"fake\"} 0\n"))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Empty(server.Log);
    }

    [Fact]
    public async Task A_stream_holds_so_much_and_no_more()
    {
        using var buffer = new StreamBuffer(10);
        buffer.Write("12345");
        buffer.Write("12345");
        Assert.Equal("slow_reader", Assert.Throws<ApiErrorException>(() => buffer.Write("1")).Error.Code);
        var read = buffer.ReadAll(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await read.MoveNextAsync());
        Assert.True(await read.MoveNextAsync());
        buffer.Write("678");
        Assert.True(await read.MoveNextAsync());
        Assert.Equal("678", read.Current);
        await read.DisposeAsync();
    }

    [Fact]
    public async Task A_piece_is_judged_by_what_waits_before_it_and_the_first_of_each_text_waits_itself()
    {
        var stop = TestContext.Current.CancellationToken;
        using var buffer = new StreamBuffer(10);
        var made = 0;
        await Open("aaaa");
        await Open(new string('a', 30));                                 // one that is longer is written whole
        var (third, fourth) = (Open("b"), Open("b"));
        Assert.Equal((false, false, 2), (third.IsCompleted, fourth.IsCompleted, made));
        buffer.Write(new string('a', 30));
        Assert.Equal("slow_reader", Assert.Throws<ApiErrorException>(() => buffer.Write("b")).Error.Code);

        var read = buffer.ReadAll(stop).GetAsyncEnumerator(stop);
        Assert.True(await read.MoveNextAsync());
        Assert.Equal((false, 2), (third.IsCompleted, made));
        Assert.True(await read.MoveNextAsync());
        await Task.WhenAll(third, fourth);
        Assert.Equal(4, made);
        await read.DisposeAsync();

        Task Open(string piece) => buffer.Open(() =>
        {
            made++;
            return piece;
        }, stop);
    }

    [Fact]
    public async Task A_text_that_waits_to_be_opened_ends_with_its_request()
    {
        using var buffer = new StreamBuffer(10);
        await buffer.Open(() => new string('a', 30), CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Task[] waiting = [buffer.Open(() => "b", stop.Token), buffer.Open(() => "c", stop.Token)];
        await stop.CancelAsync();
        foreach (var one in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
    }

    [Fact]
    public async Task A_single_event_may_be_longer_than_what_may_wait()
    {
        await using var server = await RunningServer.Start(new FakeModel(ByteTokenizer.PairBase, 4000, (_, _) => 0));
        var prompt = new string('a', 3000);
        var (status, body) = await server.Post(Path,
            $$"""{"prompt":"{{prompt}}","echo":true,"logprobs":20,"n":2,"max_tokens":1,"stream":true}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.EndsWith("data: [DONE]\n\n", body, StringComparison.Ordinal);
        Assert.Equal(2, body.Split("\n\n").Count(one => one.Length > 1 << 20));
    }

    /// <summary>Writes <c>abab…</c> for as long as it may.</summary>
    private static FakeModel Endless() =>
        new(ByteTokenizer.PairBase, int.MaxValue, (tokens, token) => token == (tokens[^1] == 'a' ? 'b' : 'a') ? 200 : 0);
}
