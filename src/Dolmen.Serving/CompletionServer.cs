using Dolmen.Serving.Page;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dolmen.Serving;

/// <summary>An OpenAI-compatible HTTP server. Owns the port and the models that it loads.</summary>
public sealed class CompletionServer : IAsyncDisposable
{
    /// <summary>Bodies and readers that are slower than this for more than a few seconds are cut off: they hold memory.</summary>
    private const double BytesPerSecond = 1000;

    private readonly WebApplication _app;
    private readonly ModelCatalog _catalog;
    private readonly ServerMetrics _metrics;

    private CompletionServer(WebApplication app, ModelCatalog catalog, ServerMetrics metrics, Uri address)
    {
        (_app, _catalog, _metrics) = (app, catalog, metrics);
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>With one model, which is loaded first while the rest of the server starts beside it; several are each loaded when a request
    /// asks for it.</summary>
    /// <param name="log">Gets a message for each thing that went wrong on our side; clients learn only that something did.</param>
    public static async Task<CompletionServer> Start(IReadOnlyList<ModelSource> models, BoundPort port, ServerOptions options,
        TimeProvider clock, Action<string> log)
    {
        var metrics = new ServerMetrics();
        try
        {
            var catalog = new ModelCatalog(models, options, metrics, clock, log);
            var loading = catalog.DefaultName is { } only ? catalog.Load(only) : Task.CompletedTask;
            var starting = Task.Run(() => Start(catalog, loading, port, options, metrics, clock, log));
            try
            {
                await loading;                                           // what is wrong with the model is said first
                return new CompletionServer(
                    await starting, catalog, metrics, port.AddressFor(isTls: options.Certificate is not null));
            }
            catch
            {
                await ((Task)starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (starting.IsCompletedSuccessfully) await (await starting).DisposeAsync();
                await catalog.DisposeAsync();
                throw;
            }
        }
        catch
        {
            metrics.Dispose();
            throw;
        }
    }

    /// <param name="loading">Of the only model: nothing is answered before.</param>
    private static async Task<WebApplication> Start(ModelCatalog catalog, Task loading, BoundPort port, ServerOptions options,
        ServerMetrics metrics, TimeProvider clock, Action<string> log)
    {
        // The empty builder reads no files and no environment: what it serves, and where, is what it was told here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
            var slowest = new MinDataRate(BytesPerSecond, TimeSpan.FromSeconds(options.GraceSeconds));
            (kestrel.Limits.MinRequestBodyDataRate, kestrel.Limits.MinResponseDataRate) = (slowest, slowest);
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            kestrel.Listen(port.EndPoint, endpoint =>
            {
                if (options.Certificate is not { } tls) return;
                endpoint.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = tls.Certificate, ServerCertificateChain = tls.Chain,
                });
            });
        });
        builder.Services.Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = _ => port.Socket);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        Telemetry.Add(builder.Services, metrics, options.Collector);
        var app = builder.Build();

        app.Use(async (http, next) =>
        {
            await loading.WaitAsync(http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (loading.IsCompletedSuccessfully) await next(http);
            else http.Abort();                                           // the server does not come up
        });
        app.Use(new ApiErrors(log).Answer);
        app.Use(new SiteGuard(options).Check);
        app.Use(new KeyGuard(options.Keys ?? []).Check);
        app.Use(new TimeLimit(options.MaxSeconds).Check);
        app.Use(Telemetry.Follow);
        app.Use(PrometheusNames.Rewrite);
        app.UseRouting();
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        new CompletionEndpoints(catalog, clock, log).Map(app);
        PageFiles.Map(app);
        ModelCardFile.Map(app, catalog);
        try
        {
            await app.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes no more requests and lets the running ones end, for as long as the options allow.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _catalog.DisposeAsync();
        _metrics.Dispose();
    }

    /// <summary>Signals are the business of the program that started the server.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
