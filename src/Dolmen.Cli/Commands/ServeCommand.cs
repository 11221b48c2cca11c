using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

internal static class ServeCommand
{
    public static Command Build()
    {
        var models = new ServedModelOptions();
        var port = new Option<int>("--port") 
        {
            Description = "Port to listen on; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8080,
        };
        var host = new Option<string>("--host") 
        {
            Description = "Address to listen on.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1",
        };
        var body = new Option<int>("--max-body")
        {
            Description = "Bytes of the longest request that is read.", HelpName = "BYTES",
            DefaultValueFactory = _ => new ServerOptions().MaxBodyBytes,
        };
        var waiting = new Option<int>("--max-waiting")
        {
            Description = "Requests that may wait for their turn; more get status 503.", HelpName = "N",
            DefaultValueFactory = _ => new ServerOptions().MaxWaiting,
        };
        var sequences = new Option<int>("--max-sequences")
        {
            Description = "Texts that are generated at once.", HelpName = "N",
            DefaultValueFactory = _ => new ServerOptions().MaxSequences,
        };
        var memory = new Option<int>("--state-memory")
        {
            Description = "Megabytes for what a model remembers of texts.", HelpName = "MB",
            DefaultValueFactory = _ => (int)(new ServerOptions().StateBytes >> 20),
        };
        var hosts = CommonOptions.Repeated(
            "--allowed-hosts",
            "A name this server is reached by besides localhost and its address; * for any. May be repeated.",
            "NAME"
        );
        var cors = CommonOptions.Repeated(
            "--cors",
            "A web site that may call it from a browser, such as https://chat.example; * for any. May be repeated.",
            "ORIGIN"
        );
        var json = CommonOptions.Json();
        var command = new Command("serve",
            "Serves models over HTTP as OpenAI's API does, until interrupted. Answers are computed together.");
        models.AddTo(command);
        Option[] others = [port, host, body, waiting, sequences, memory, hosts, cors, json, CommonOptions.Strict()];
        foreach (var option in others) command.Add(option);
        command.Runs((parsed, stop) =>
        {
            var options = models.Limits(parsed, new ServerOptions(parsed.GetValue(body), parsed.GetValue(waiting),
                AllowedHosts: parsed.GetValue(hosts), CorsOrigins: parsed.GetValue(cors), MaxSequences: parsed.GetValue(sequences),
                StateBytes: (long)parsed.GetValue(memory) << 20));
            options.Validate();
            var sources = models.Sources(parsed);
            // before the model: an occupied port is known at once
            using var bound = new BoundPort(parsed.GetRequiredValue(host), parsed.GetValue(port));
            Serve(sources, bound, options, parsed.GetValue(json), stop);
        });
        return command;
    }

    private static void Serve(IReadOnlyList<ModelSource> models, BoundPort bound, ServerOptions options, bool json, CancellationToken stop)
    {
        void Log(string message) => Console.Error.WriteLine($"dolmen: {message}");
        var server = CompletionServer.Start(models, bound, options, TimeProvider.System, Log).GetAwaiter().GetResult();
        try
        {
            if (json) Console.Out.WriteLine(Started(server.Address, models).ToJsonString());
            if (!bound.IsLoopback) Log($"warning: {bound.EndPoint.Address} is open to the network: whoever reaches it may use the model.");
            var names = string.Join(", ", models.Select(model => model.Name));
            Log($"{names} {(models.Count == 1 ? "is" : "are each loaded on first use and")} served at {server.Address}v1 " +
                "(Ctrl-C ends it). Try:");
            Console.Error.WriteLine(Curl(server.Address, models[0].Name));
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

    private static string Curl(Uri address, string model) =>
        $"curl {address}v1/chat/completions -H 'Content-Type: application/json' " +
        $$"""-d '{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}]}'""";
}
