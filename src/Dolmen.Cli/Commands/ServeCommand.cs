using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

internal static class ServeCommand
{
    private const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static Command Build()
    {
        var (models, limits, access) = (new ServedModelOptions(), new ServerLimitOptions(), new ServerAccessOptions());
        var port = new Option<int>("--port") 
        {
            Description = "Port to listen on; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8080,
        };
        var host = new Option<string>("--host") 
        {
            Description = "Address to listen on.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1",
        };
        var collector = new Option<string?>("--otlp")
        {
            Description = $"Send measurements and traces to this collector by OTLP over HTTP; to that of {CollectorVariable} in the " +
                "environment when left out.",
            HelpName = "URL",
        };
        var json = CommonOptions.Json();
        var command = new Command("serve",
            "Serves models over HTTP as OpenAI's API does, until interrupted. Answers are computed together.");
        models.AddTo(command);
        command.Add(port);
        command.Add(host);
        access.AddTo(command);
        limits.AddTo(command);
        command.Add(collector);
        command.Add(json);
        command.Add(CommonOptions.Strict());
        command.Runs((parsed, stop) =>
        {
            var options = access.AddTo(models.Limits(parsed, limits.Read(parsed)), parsed) with
            {
                Collector = Collector(parsed.GetValue(collector)),
            };
            using var certificate = options.Certificate;
            options.Validate();
            var sources = models.Sources(parsed);
            // before the model: an occupied port is known at once
            using var bound = new BoundPort(parsed.GetRequiredValue(host), parsed.GetValue(port));
            Serve(sources, bound, options, parsed.GetValue(json), stop);
        });
        return command;
    }

    /// <param name="given">Null where the environment says it, by OpenTelemetry's own variable, or nothing does.</param>
    /// <exception cref="UserErrorException">Not an address of HTTP.</exception>
    private static Uri? Collector(string? given)
    {
        var address = given ?? Environment.GetEnvironmentVariable(CollectorVariable);
        if (address is null || (given is null && address.Length == 0)) return null;
        if (Uri.TryCreate(address, UriKind.Absolute, out var collector) && collector.Scheme is "http" or "https") return collector;
        throw new UserErrorException($"{(given is null ? CollectorVariable : "--otlp")} is '{address}': it must be a collector's " +
            "address, such as http://127.0.0.1:4318.");
    }

    private static void Serve(IReadOnlyList<ModelSource> models, BoundPort bound, ServerOptions options, bool json, CancellationToken stop)
    {
        void Log(string message) => Console.Error.WriteLine($"dolmen: {message}");
        var server = CompletionServer.Start(models, bound, options, TimeProvider.System, Log).GetAwaiter().GetResult();
        try
        {
            if (json) Console.Out.WriteLine(Started(server.Address, models).ToJsonString());
            if (!bound.IsLoopback && options.Keys is not { Count: > 0 })
                Log($"warning: {bound.EndPoint.Address} is open to the network: whoever reaches it may use it. --api-key asks for a key.");
            foreach (var model in models.Where(model => model.Documents is not null))
                Log($"{model.Name} answers chats from the documents of {model.Documents} (--no-documents turns this off).");
            var names = string.Join(", ", models.Select(model => model.Name));
            Log($"{names} {(models.Count == 1 ? "is" : "are each loaded on first use and")} served at {server.Address}v1 " +
                $"(Ctrl-C ends it). Open {server.Address} in a browser, or try:");
            Console.Error.WriteLine(Curl(server.Address, models[0].Name, options.Keys is { Count: > 0 }));
            stop.WaitHandle.WaitOne();
            Log("finishing the answers that are being written…");
        }
        finally
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static JsonObject Started(Uri address, IReadOnlyList<ModelSource> models) => new()
    {
        ["url"] = address.ToString(), ["model"] = models[0].Name,
        ["models"] = new JsonArray([.. models.Select(model => JsonValue.Create(model.Name))]),
    };

    private static string Curl(Uri address, string model, bool asksForKey) =>
        $"curl {address}v1/chat/completions -H 'Content-Type: application/json' " +
        (asksForKey ? "-H 'Authorization: Bearer KEY' " : "") +
        $$"""-d '{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}]}'""";
}
