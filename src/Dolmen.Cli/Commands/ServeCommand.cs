using System.CommandLine;
using System.Text.Json.Nodes;
using Dolmen.Inference;
using Dolmen.Serving;

namespace Dolmen.Cli.Commands;

internal static class ServeCommand
{
    public static Command Build()
    {
        var model = CommonOptions.Model();
        var port = new Option<int>("--port") 
        {
            Description = "Port to listen on; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8080,
        };
        var host = new Option<string>("--host") 
        {
            Description = "Address to listen on.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1",
        };
        var json = CommonOptions.Json();
        var command = new Command("serve", "Serves a model over HTTP as OpenAI's API does, until interrupted.") { model, port, host, json, CommonOptions.Strict() };
        command.Runs((parsed, stop) => Serve(parsed.GetRequiredValue(model), parsed.GetRequiredValue(host), parsed.GetValue(port),
            parsed.GetValue(json), stop));
        return command;
    }

    private static void Serve(string folder, string host, int port, bool json, CancellationToken stop)
    {
        using var bound = new BoundPort(host, port);                     // before the model: an occupied port is known at once
        var (model, tokenizer) = ModelFolder.Load(folder);
        using var owned = model;
        var served = new ServedModel(ServedModel.NameOf(folder), model, tokenizer);
        void Log(string message) => Console.Error.WriteLine($"dolmen: {message}");
        var server = CompletionServer.Start(served, bound, new ServerOptions(), TimeProvider.System, Log).GetAwaiter().GetResult();
        try
        {
            if (json) Console.Out.WriteLine(new JsonObject { ["url"] = server.Address.ToString(), ["model"] = served.Name }.ToJsonString());
            if (!bound.IsLoopback) Log($"warning: {host} is open to the network: whoever reaches it may use the model.");
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
