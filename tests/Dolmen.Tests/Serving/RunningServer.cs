using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Dolmen.Inference;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Serving;

/// <summary>A server on a free loopback port, and a client for it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly BoundPort _port;
    private readonly CompletionServer _server;

    private RunningServer(BoundPort port, CompletionServer server, FakeModel model, ConcurrentQueue<string> log)
    {
        (_port, _server, Model, Log) = (port, server, model, log);
        Http = new HttpClient { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(2) };
    }

    public HttpClient Http { get; }

    /// <summary>The one model, where the test brought one.</summary>
    public FakeModel Model { get; }

    public ConcurrentQueue<string> Log { get; }

    public Uri Address => _server.Address;

    public static async Task<RunningServer> Start(FakeModel? model = null, ServerOptions? options = null, string? alias = null,
        SamplingDefaults? defaults = null, Tokenizer? tokenizer = null)
    {
        model ??= FakeModel.OfAlphabet();
        var served = new ServedModel("fake", model, tokenizer ?? new ByteTokenizer())
        {
            Aliases = alias is null ? [] : [alias], Defaults = defaults ?? new SamplingDefaults(Temperature: 1),
        };
        return await Start([ModelSource.Of(served)], options, model);
    }

    /// <summary>With models that the server loads itself.</summary>
    public static async Task<RunningServer> Start(IReadOnlyList<ModelSource> models, ServerOptions? options = null, FakeModel? model = null)
    {
        var log = new ConcurrentQueue<string>();
        var port = new BoundPort("127.0.0.1", 0);
        try
        {
            var server = await CompletionServer.Start(models, port, options ?? new ServerOptions(), new FixedClock(), log.Enqueue);
            return new RunningServer(port, server, model ?? FakeModel.OfAlphabet(), log);
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

    public Task<string> Get(string path) => Http.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    public Task<(HttpStatusCode Status, string Body)> Post(string path, string json) => Post(path, json, "application/json");

    public async Task<(HttpStatusCode Status, string Body)> Post(string path, string json, string contentType)
    {
        using var content = new StringContent(json, Encoding.UTF8, contentType);
        using var response = await Http.PostAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Ends the server as Ctrl-C would: waits for running answers.</summary>
    public ValueTask Stop() => _server.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
        _port.Dispose();
        Model.Dispose();
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    }
}
