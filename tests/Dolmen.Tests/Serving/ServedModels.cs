using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>Several models behind one server: which is asked, when each is loaded and when it is dropped.</summary>
public sealed class ServedModels : IDisposable
{
    private const long Megabyte = 1 << 20;

    private readonly ConcurrentDictionary<string, int> _loads = new();
    private readonly ConcurrentBag<FakeModel> _made = [];
    private readonly ConcurrentQueue<string> _log = new();

    public void Dispose()
    {
        foreach (var model in _made) model.Dispose();
    }

    [Fact]
    public async Task A_model_is_loaded_on_first_use_and_once_for_all_who_wait()
    {
        await using var server = await RunningServer.Start([Source("a"), Source("b")]);
        Assert.Equal(("unloaded", "unloaded"), (await State(server, "a"), await State(server, "b")));
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Ask(server, "b")));
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, true), (answer.Status, answer.Body.Contains("\"model\":\"b\""))));
        Assert.Equal(("unloaded", "loaded"), (await State(server, "a"), await State(server, "b")));
        Assert.Equal((0, 1), (Loads("a"), Loads("b")));
    }

    [Fact]
    public async Task Every_name_reaches_its_own_model()
    {
        ModelSource[] sources = [Source("a"), Source("b", next: 2) with { Aliases = ["gpt", "b2"] }];
        await using var server = await RunningServer.Start(sources);
        Assert.Contains("\"text\":\"bcd\"", (await Ask(server, "a")).Body);
        foreach (var name in new[] { "b", "gpt", "b2" }) Assert.Contains("\"text\":\"ceg\"", (await Ask(server, name)).Body);
        Assert.Equal(1, Loads("b"));
        var list = JsonDocument.Parse(await server.Get("/v1/models")).RootElement.GetProperty("data");
        Assert.Equal(["a", "b", "gpt", "b2"], list.EnumerateArray().Select(model => model.GetProperty("id").GetString()));
        var metrics = await server.Get("/metrics");
        Assert.Contains("vllm:generation_tokens_total{model_name=\"a\"} 3\n", metrics);
        Assert.Contains("vllm:generation_tokens_total{model_name=\"b\"} 9\n", metrics);
    }

    [Theory]
    [InlineData("{\"prompt\":\"a\"}", 400, "'model' is missing: this server has 'a', 'b'.")]
    [InlineData("{\"model\":null,\"prompt\":\"a\"}", 400, "'model' is missing: this server has 'a', 'b'.")]
    [InlineData("{\"model\":\"c\",\"prompt\":\"a\"}", 404, "The model 'c' does not exist here: this server has 'a', 'b'.")]
    [InlineData("{\"model\":7,\"prompt\":\"a\"}", 400, "'model' must be a string, not 7.")]
    public async Task A_request_must_name_one_of_several(string request, int status, string says)
    {
        await using var server = await RunningServer.Start([Source("a"), Source("b")]);
        var answer = await server.Post("/v1/completions", request);
        Assert.Equal(status, (int)answer.Status);
        Assert.Contains(says, answer.Body);
        Assert.Empty(_loads);
    }

    [Fact]
    public async Task Models_of_one_name_are_refused()
    {
        var error = await Assert.ThrowsAsync<UserErrorException>(() => RunningServer.Start([Source("a"), Source("a")]));
        Assert.Contains("Two models are called 'a'", error.Message);
    }

    [Fact]
    public async Task A_failed_load_is_told_without_paths_and_tried_again()
    {
        var fails = true;
        var good = Source("a");
        var source = new ModelSource("a", () => fails ? throw new UserErrorException("'/srv/x/config.json' is damaged.") : good.Load())
        {
            Folder = "/srv/x",
        };
        await using var server = await RunningServer.Start([source, Source("b")]);
        var (status, body) = await Ask(server, "a");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("""{"error":{"message":"The model 'a' cannot be loaded: 'config.json' is damaged.","type":"server_error",""", body);
        Assert.Equal("unloaded", await State(server, "a"));
        Assert.Equal(HttpStatusCode.OK, (await Ask(server, "b")).Status);
        fails = false;
        Assert.Equal(HttpStatusCode.OK, (await Ask(server, "a")).Status);
    }

    [Fact]
    public async Task A_failure_that_is_not_the_user_s_is_told_in_the_log_only()
    {
        var source = new ModelSource("a", () => throw new InvalidOperationException("secret"));
        await using var server = await RunningServer.Start([source, Source("b")]);
        var (status, body) = await Ask(server, "a");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (status, body.Contains("secret")));
        Assert.Contains(server.Log, line => line.Contains("secret"));
    }

    [Fact]
    public async Task The_only_model_is_loaded_at_start_and_its_failure_is_the_start_s()
    {
        await using (await RunningServer.Start([Source("a")])) Assert.Equal(1, Loads("a"));
        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            RunningServer.Start([new ModelSource("b", () => throw new UserErrorException("no"))]));
        Assert.Equal("no", error.Message);
    }

    [Fact]
    public async Task The_least_recently_used_is_dropped_for_another()
    {
        ModelSource[] sources = [Source("a", megabytes: 4), Source("b", megabytes: 4), Source("c", megabytes: 4)];
        await using var server = await RunningServer.Start(sources, new ServerOptions(ModelBytes: 9 * Megabyte));
        foreach (var name in new[] { "a", "b", "a", "c" }) Assert.Equal(HttpStatusCode.OK, (await Ask(server, name)).Status);
        Assert.Equal(("loaded", "unloaded", "loaded"), (await State(server, "a"), await State(server, "b"), await State(server, "c")));
        Assert.Equal(1, _made.Count(model => model.IsDisposed));
        Assert.Equal(HttpStatusCode.OK, (await Ask(server, "b")).Status);
        Assert.Equal("unloaded", await State(server, "a"));
        Assert.Equal((1, 2, 1), (Loads("a"), Loads("b"), Loads("c")));
        var metrics = await server.Get("/metrics");
        Assert.Contains("vllm:kv_cache_usage_perc{model_name=\"a\"} 0\n", metrics);                // its memory was given back
        Assert.DoesNotContain("vllm:kv_cache_usage_perc{model_name=\"b\"} 0\n", metrics);
    }

    [Fact]
    public async Task A_model_in_use_is_not_dropped_and_new_requests_for_it_wait_behind_who_needs_its_memory()
    {
        ModelSource[] sources = [Source("a", megabytes: 4), Source("b", megabytes: 4)];
        await using var catalog = new ModelCatalog(
            sources, new ServerOptions(ModelBytes: 5 * Megabyte), new ServerMetrics(), TimeProvider.System, _log.Enqueue);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        var stop = patience.Token;
        Task<ModelLease> other, late;
        using (await catalog.Use("a", stop))
        {
            other = catalog.Use("b", stop);
            late = await UntilItWaits(catalog, "a", stop);
            Assert.Equal((false, 1), (other.IsCompleted, _made.Count));
        }
        using (await other) Assert.False(late.IsCompleted);
        using (await late) Assert.Equal((2, 1), (Loads("a"), Loads("b")));
    }

    [Fact]
    public async Task No_model_leaves_for_one_that_nobody_waits_for_any_more()
    {
        ModelSource[] sources = [Source("a", megabytes: 4), Source("b", megabytes: 4)];
        await using var catalog = new ModelCatalog(
            sources, new ServerOptions(ModelBytes: 5 * Megabyte), new ServerMetrics(), TimeProvider.System, _log.Enqueue);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        var stop = patience.Token;
        using var leaves = new CancellationTokenSource();
        Task<ModelLease> late;
        using (await catalog.Use("a", stop))
        {
            var other = catalog.Use("b", leaves.Token);
            late = await UntilItWaits(catalog, "a", stop);
            await leaves.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
            using (await late) Assert.Equal(["loaded", "unloaded"], catalog.All().Select(model => model.State));
        }
        using (await catalog.Use("b", stop)) Assert.Equal((1, 1), (Loads("a"), Loads("b")));
    }

    [Fact]
    public async Task Watching_a_model_does_not_count_as_use()
    {
        var clock = new HandClock();
        await using var catalog = new ModelCatalog(
            [Source("a")], new ServerOptions(IdleSeconds: 10), new ServerMetrics(), clock, _log.Enqueue);
        Assert.Null(catalog.Loaded("a"));
        using (await catalog.Use("a", TestContext.Current.CancellationToken)) { }
        clock.Seconds = 11;
        using (var watched = catalog.Loaded("a"))
        {
            catalog.DropIdle();
            Assert.Equal(("a", false), (watched!.Served.Name, _made.Single().IsDisposed));
        }
        catalog.DropIdle();
        Assert.Equal(("unloaded", true), (catalog.All()[0].State, _made.Single().IsDisposed));
    }

    [Fact]
    public async Task A_model_answers_to_the_name_of_its_source()
    {
        var made = Source("a");
        await using var server = await RunningServer.Start([new ModelSource("z", made.Load), Source("b")]);
        Assert.Contains("\"model\":\"z\"", (await Ask(server, "z")).Body);
    }

    [Fact]
    public async Task A_model_larger_than_the_memory_is_refused_and_freed()
    {
        ModelSource[] sources = [Source("a", megabytes: 2), Source("b", megabytes: 20)];
        await using var server = await RunningServer.Start(sources, new ServerOptions(ModelBytes: 4 * Megabyte));
        var (status, body) = await Ask(server, "b");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("'b' takes 20 MB, but --model-memory is 4", body);
        Assert.True(_made.Single().IsDisposed);
    }

    [Fact]
    public async Task An_idle_model_is_dropped_and_comes_back()
    {
        var clock = new HandClock();
        await using var catalog = new ModelCatalog(
            [Source("a"), Source("b")], new ServerOptions(IdleSeconds: 10), new ServerMetrics(), clock, _log.Enqueue);
        var stop = TestContext.Current.CancellationToken;
        using (await catalog.Use("a", stop)) { }
        using (await catalog.Use("b", stop))
        {
            clock.Seconds = 9;
            catalog.DropIdle();
            Assert.Equal(["loaded", "loaded"], catalog.All().Select(model => model.State));
            clock.Seconds = 11;
            catalog.DropIdle();
            Assert.Equal(["unloaded", "loaded"], catalog.All().Select(model => model.State));
        }
        catalog.DropIdle();
        Assert.Equal("loaded", catalog.All()[1].State);                  // its time counts from the end of the last request
        clock.Seconds = 22;
        catalog.DropIdle();
        Assert.Equal("unloaded", catalog.All()[1].State);
        using (await catalog.Use("a", stop)) Assert.Equal(2, Loads("a"));
        Assert.Equal(2, _made.Count(model => model.IsDisposed));
    }

    [Fact]
    public async Task More_than_may_wait_for_a_model_are_sent_away()
    {
        using var hold = new SemaphoreSlim(0);
        var good = Source("a");
        var slow = new ModelSource("a", () => { hold.Wait(); return good.Load(); });
        await using var server = await RunningServer.Start([slow, Source("b")], new ServerOptions(MaxWaiting: 2));
        var requests = Enumerable.Range(0, 5).Select(_ => Ask(server, "a")).ToList();
        while (requests.Count(request => request.IsCompleted) < 3) await Task.Delay(5, TestContext.Current.CancellationToken);
        hold.Release();
        var all = await Task.WhenAll(requests);
        Assert.Equal((2, 3), (all.Count(answer => answer.Status == HttpStatusCode.OK),
            all.Count(answer => answer.Body.Contains("overloaded"))));
    }

    /// <summary>The first request for a loaded model that has to wait, since the model is to be dropped after its last request.</summary>
    private static async Task<Task<ModelLease>> UntilItWaits(ModelCatalog catalog, string name, CancellationToken stop)
    {
        while (true)
        {
            var request = catalog.Use(name, stop);
            if (!request.IsCompleted) return request;
            (await request).Dispose();
            await Task.Delay(5, stop);
        }
    }

    private int Loads(string name) => _loads.GetValueOrDefault(name);

    private static Task<(HttpStatusCode Status, string Body)> Ask(RunningServer server, string model) =>
        server.Post("/v1/completions", $$"""{"model":"{{model}}","prompt":"a","max_tokens":3,"temperature":0}""");

    private static async Task<string?> State(RunningServer server, string name) =>
        JsonDocument.Parse(await server.Get("/v1/models/" + name)).RootElement.GetProperty("status").GetProperty("value").GetString();

    /// <summary>A model that goes on <paramref name="next"/> letters further with each token.</summary>
    private ModelSource Source(string name, int next = 1, int megabytes = 1) => new(name, () =>
    {
        _loads.AddOrUpdate(name, 1, (_, count) => count + 1);
        var model = new FakeModel(ByteTokenizer.PairBase, 64, (tokens, token) => token == tokens[^1] + next ? 20 : 0)
        {
            Bytes = megabytes * Megabyte, Remembered = Megabyte,
        };
        _made.Add(model);
        return new ServedModel(name, model, new ByteTokenizer());
    }) { FileBytes = megabytes * Megabyte };

    private sealed class HandClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
