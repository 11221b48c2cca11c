using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Inference;

namespace Dolmen.Cli.Commands;

internal static class ChatCommand
{
    public static Command Build()
    {
        var command = new Command("chat", "Talk with a model. /reset begins anew, /exit or the end of input leaves.");
        var (model, precision, threads) = (CommonOptions.RunnableModel(), CommonOptions.Precision(), CommonOptions.Threads());
        var kvCache = CommonOptions.KvCache();
        var system = new Option<string?>("--system") { Description = "What the model is told before the conversation.", HelpName = "TEXT" };
        var flags = new SamplingFlags(temperature: 0);
        var speculation = new SpeculationFlags();
        command.Add(model);
        command.Add(system);
        flags.AddTo(command);
        speculation.AddTo(command);
        command.Add(precision);
        command.Add(kvCache);
        command.Add(threads);
        command.Add(CommonOptions.Strict());
        command.Runs((parsed, stop) =>
        {
            var options = flags.Read(parsed, parsed.GetRequiredValue(model));
            var (loaded, tokenizer) = ModelFolder.Load(
                parsed.GetRequiredValue(model), parsed.GetValue(threads), CommonOptions.PrecisionOf(parsed, precision),
                CommonOptions.KvCacheOf(parsed, kvCache));
            using var owned = loaded;
            var guesses = speculation.Read(parsed, tokenizer, parsed.GetValue(threads));
            using var draft = guesses?.DraftModel;
            options = flags.Complete(options, parsed, tokenizer);
            using var session = new ChatSession(loaded, tokenizer, parsed.GetValue(system), guesses);
            Talk(session, options, stop);
        });
        return command;
    }

    /// <summary>Answers go to stdout, all else to stderr: piped questions give piped answers.</summary>
    private static void Talk(ChatSession session, GenerationOptions options, CancellationToken stop)
    {
        var interactive = !Console.IsInputRedirected;
        if (interactive) Console.Error.WriteLine("Type a message; /reset begins anew, /exit leaves.");
        var readLine = StandardInput.Lines();
        while (true)
        {
            if (interactive) Console.Error.Write("> ");
            if (Line(readLine, stop) is not { } line || line.Trim() == "/exit") return;
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (line.Trim() == "/reset")
            {
                session.Reset();
                Console.Error.WriteLine("(a new conversation)");
                continue;
            }
            try
            {
                var result = session.Ask(line, options, Console.Out.Write, stop);
                Console.Out.WriteLine();
                if (interactive) Console.Error.WriteLine(GenerateCommand.Speeds(result.Statistics));
            }
            catch (UserErrorException error) when (interactive)
            {
                Console.Error.WriteLine(error.Message);                  // one message too long does not end the conversation
            }
        }
    }

    /// <summary>A line of input, or an interruption while waiting for it.</summary>
    private static string? Line(Func<string?> readLine, CancellationToken stop)
    {
        var reading = Task.Run(readLine);
        Task.WaitAny([reading], stop);
        return reading.GetAwaiter().GetResult();
    }
}
