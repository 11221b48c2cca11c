using System.Net;
using System.Net.Sockets;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

public class Concurrency
{
    private const string Request = """{"prompt":"a","max_tokens":8,"temperature":0}""";

    [Fact]
    public async Task Concurrent_requests_all_get_their_own_right_answer()
    {
        var model = FakeModel.OfAlphabet();
        var inside = 0;
        model.BeforeStep = () =>
        {
            Assert.Equal(1, Interlocked.Increment(ref inside));           // one pass at a time
            Thread.Yield();
            Interlocked.Decrement(ref inside);
        };
        await using var server = await RunningServer.Start(model);
        var answers = await Task.WhenAll("abcdefghijklmno".Select(async letter =>
            (letter, (await server.Post("/v1/completions", $$"""{"prompt":"{{letter}}","max_tokens":5,"temperature":0}""")).Body)));
        foreach (var (letter, body) in answers)
        {
            Assert.Contains($"\"text\":\"{new string([.. Enumerable.Range(1, 5).Select(i => (char)(letter + i))])}\"", body);
        }
    }

    [Fact]
    public async Task More_requests_than_may_wait_are_told_to_come_back()
    {
        using var hold = new SemaphoreSlim(0);
        using var reached = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = () =>
        {
            reached.Release();
            hold.Wait();
        };
        await using var server = await RunningServer.Start(model, new ServerOptions(MaxWaiting: 1));
        var running = server.Post("/v1/completions", Request);
        await reached.WaitAsync(TestContext.Current.CancellationToken);
        var waiting = server.Post("/v1/completions", Request);
        await Until(async () => (await Metrics(server))
            .Contains("vllm:num_requests_waiting{model_name=\"fake\"} 1\n", StringComparison.Ordinal));
        var (status, body) = await server.Post("/v1/completions", Request);
        hold.Release(1000);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("\"code\":\"overloaded\"", body);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await running).Status, (await waiting).Status]);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task A_client_that_leaves_frees_the_model(string stream)
    {
        using var hold = new SemaphoreSlim(0);
        using var reached = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = () =>
        {
            reached.Release();
            hold.Wait();
        };
        await using var server = await RunningServer.Start(model);
        using (var leaving = new CancellationTokenSource())
        {
            using var content = new StringContent(
                $$"""{"prompt":"a","max_tokens":60,"temperature":0,"stream":{{stream}}}""",
                System.Text.Encoding.UTF8,
                "application/json"
            );
            var request = server.Http.PostAsync(new Uri("/v1/completions", UriKind.Relative), content, leaving.Token);
            await reached.WaitAsync(TestContext.Current.CancellationToken);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        }
        // A step at a time, until the server has noticed that the client is gone.
        await Until(async () =>
        {
            hold.Release();
            return (await Metrics(server)).Contains("vllm:num_requests_running{model_name=\"fake\"} 0\n", StringComparison.Ordinal);
        });
        model.BeforeStep = () => { };
        Assert.Contains("\"text\":\"bcdefghi\"", (await server.Post("/v1/completions", Request)).Body);
    }

    [Fact]
    public async Task A_server_that_is_stopped_finishes_the_answer_it_is_writing()
    {
        using var hold = new SemaphoreSlim(0);
        using var reached = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet();
        model.BeforeStep = () =>
        {
            reached.Release();
            hold.Wait();
        };
        await using var server = await RunningServer.Start(model);
        var running = server.Post("/v1/completions", Request);
        await reached.WaitAsync(TestContext.Current.CancellationToken);
        var stopping = server.Stop().AsTask();
        Assert.False(stopping.IsCompleted);
        hold.Release(1000);
        Assert.Contains("\"text\":\"bcdefghi\"", (await running).Body);
        await stopping;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_is_answered_before_the_only_model_is_there(bool comes)
    {
        using var port = new BoundPort("127.0.0.1", 0);
        using var http = new HttpClient { BaseAddress = port.Address };
        using var model = FakeModel.OfAlphabet();
        Task<(string, bool)>? early = null;
        var there = false;
        var source = new ModelSource("fake", () =>
        {
            early = Ask();
            Thread.Sleep(300);                                           // the rest of the server has started by now
            Volatile.Write(ref there, true);
            return comes ? new ServedModel("fake", model, new ByteTokenizer()) : throw new UserErrorException("no");
        }) { OwnsModel = false };
        var starting = CompletionServer.Start([source], port, new ServerOptions(), TimeProvider.System, _ => { });
        if (comes)
        {
            await using var server = await starting;
            Assert.Equal(("""{"status":"ok"}""", true), await early!);
            return;
        }
        Assert.Equal("no", (await Assert.ThrowsAsync<UserErrorException>(() => starting)).Message);
        port.Dispose();
        await Assert.ThrowsAsync<HttpRequestException>(() => early!);

        async Task<(string, bool)> Ask() => (await http.GetStringAsync(new Uri("/health", UriKind.Relative)), Volatile.Read(ref there));
    }

    [Fact]
    public void An_occupied_port_is_the_user_s_error()
    {
        using var first = new BoundPort("127.0.0.1", 0);
        var error = Assert.Throws<UserErrorException>(() => new BoundPort("127.0.0.1", first.EndPoint.Port));
        Assert.Contains($"Port {first.EndPoint.Port} on 127.0.0.1 is occupied", error.Message);

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Assert.Throws<UserErrorException>(() => new BoundPort("localhost", ((IPEndPoint)listener.LocalEndpoint).Port));
    }

    [Theory]
    [InlineData("nowhere.example", 0, "--host is 'nowhere.example'")]
    [InlineData("127.0.0.1", 70000, "--port is 70000")]
    [InlineData("203.0.113.7", 0, "not an address of this machine")]
    public void An_impossible_address_is_the_user_s_error(string host, int port, string says) =>
        Assert.Contains(says, Assert.Throws<UserErrorException>(() => new BoundPort(host, port)).Message);

    private static Task<string> Metrics(RunningServer server) =>
        server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);

    private static async Task Until(Func<Task<bool>> holds)
    {
        while (!await holds()) await Task.Delay(5, TestContext.Current.CancellationToken);
    }
}
