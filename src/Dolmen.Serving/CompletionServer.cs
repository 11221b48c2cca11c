using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dolmen.Serving;

/// <summary>An OpenAI-compatible HTTP server for one model. Owns the port; the model stays the caller's.</summary>
public sealed class CompletionServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServingEngine _engine;

    private CompletionServer(WebApplication app, ServingEngine engine, BoundPort port)
    {
        (_app, _engine) = (app, engine);
        Address = port.Address;
    }

    public Uri Address { get; }

    /// <param name="log">Gets a message for each thing that went wrong on our side; clients learn only that something did.</param>
    public static async Task<CompletionServer> Start(ServedModel served, BoundPort port, ServerOptions options, TimeProvider clock,
        Action<string> log)
    {
        // The empty builder reads no files and no environment: what it serves, and where, is what it was told here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(port.EndPoint);
        });
        builder.Services.Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = _ => port.Socket);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        var app = builder.Build();

        var metrics = new ServerMetrics(served.Name);
        var engine = new ServingEngine(served, options, metrics);
        app.Use(new ApiErrors(log).Answer);
        app.Use(new SiteGuard(options).Check);
        app.UseRouting();
        new CompletionEndpoints(served, engine, metrics, clock, log).Map(app);
        await app.StartAsync();
        return new CompletionServer(app, engine, port);
    }

    /// <summary>Takes no more requests and lets the running ones end, for as long as the options allow.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _engine.Dispose();
    }

    /// <summary>Signals are the business of the program that started the server.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
