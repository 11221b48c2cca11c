using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Inference;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

internal static class ServeCommand
{
    public static Command Build()
    {
        var (model, precision) = (CommonOptions.RunnableModel(), CommonOptions.Precision());
        var port = new Option<int>("--port") 
        {
            Description = "Port to listen on; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8080,
        };
        var host = new Option<string>("--host") 
        {
            Description = "Address to listen on.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1",
        };
        var name = new Option<string?>("--name")
        {
            Description = "Name that clients ask for the model by; the folder's when left out.", HelpName = "NAME",
        };
        var alias = Repeated("--alias", "A further name for it. May be repeated.", "NAME");
        var threads = CommonOptions.Threads();
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
            Description = "Megabytes for what the model remembers of texts.", HelpName = "MB",
            DefaultValueFactory = _ => (int)(new ServerOptions().StateBytes >> 20),
        };
        var hosts = Repeated(
            "--allowed-hosts",
            "A name this server is reached by besides localhost and its address; * for any. May be repeated.",
            "NAME"
        );
        var cors = Repeated(
            "--cors",
            "A web site that may call it from a browser, such as https://chat.example; * for any. May be repeated.",
            "ORIGIN"
        );
        var json = CommonOptions.Json();
        var command = new Command(
            "serve",
            "Serves a model over HTTP as OpenAI's API does, until interrupted. Answers are computed together."
        )
        {
            model, precision, port, host, name, alias, threads, body, waiting, sequences, memory, hosts, cors, json, CommonOptions.Strict(),
        };
        command.Runs((parsed, stop) =>
        {
            var options = new ServerOptions(parsed.GetValue(body), parsed.GetValue(waiting), AllowedHosts: parsed.GetValue(hosts),
                CorsOrigins: parsed.GetValue(cors), MaxSequences: parsed.GetValue(sequences),
                StateBytes: (long)parsed.GetValue(memory) << 20);
            options.Validate();
            var folder = parsed.GetRequiredValue(model);
            // before the model: an occupied port is known at once
            using var bound = new BoundPort(parsed.GetRequiredValue(host), parsed.GetValue(port));
            var (loaded, tokenizer) = ModelFolder.Load(
                folder, parsed.GetValue(threads), CommonOptions.PrecisionOf(parsed, precision));
            using var owned = loaded;
            var served = new ServedModel(parsed.GetValue(name) ?? ServedModel.NameOf(folder), loaded, tokenizer)
            {
                Aliases = parsed.GetValue(alias) ?? [], Defaults = SamplingDefaults.Of(ModelFolder.Settings(folder), temperature: 1),
                Folder = ModelFolder.Locate(folder),
            };
            Serve(served, bound, options, parsed.GetValue(json), stop);
        });
        return command;
    }

    private static Option<string[]> Repeated(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, AllowMultipleArgumentsPerToken = false };

    private static void Serve(ServedModel served, BoundPort bound, ServerOptions options, bool json, CancellationToken stop)
    {
        void Log(string message) => Console.Error.WriteLine($"dolmen: {message}");
        var server = CompletionServer.Start(served, bound, options, TimeProvider.System, Log).GetAwaiter().GetResult();
        try
        {
            if (json) Console.Out.WriteLine(new JsonObject { ["url"] = server.Address.ToString(), ["model"] = served.Name }.ToJsonString());
            if (!bound.IsLoopback) Log($"warning: {bound.EndPoint.Address} is open to the network: whoever reaches it may use the model.");
            Log($"{served.Name} is served at {server.Address}v1 (Ctrl-C ends it). Try:");
            Console.Error.WriteLine(Curl(server.Address, served.Name));
            stop.WaitHandle.WaitOne();
            Log("finishing the answers that are being written…");
        }
        finally
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static string Curl(Uri address, string model) =>
        $"curl {address}v1/chat/completions -H 'Content-Type: application/json' " +
        $$"""-d '{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}]}'""";
}
