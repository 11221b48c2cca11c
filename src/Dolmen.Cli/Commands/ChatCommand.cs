using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Retrieval;

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
        var (speculation, documents) = (new SpeculationFlags(), new DocumentsFlags());
        command.Add(model);
        command.Add(system);
        documents.AddTo(command);
        flags.AddTo(command);
        speculation.AddTo(command);
        command.Add(precision);
        command.Add(kvCache);
        command.Add(threads);
        command.Add(CommonOptions.Strict());
        command.Runs((parsed, stop) =>
        {
            var options = flags.Read(parsed, parsed.GetRequiredValue(model));
            // before the model: what is wrong with an index is known at once
            using var index = documents.FileOr(parsed, IndexPlace.OfModel(parsed.GetRequiredValue(model))) is { } file
                ? DocumentIndex.Open(file) : null;
            var (loaded, tokenizer) = ModelFolder.Load(
                parsed.GetRequiredValue(model), parsed.GetValue(threads), CommonOptions.PrecisionOf(parsed, precision),
                CommonOptions.KvCacheOf(parsed, kvCache));
            using var owned = loaded;
            var guesses = speculation.Read(parsed, tokenizer, parsed.GetValue(threads));
            using var draft = guesses?.DraftModel;
            options = flags.Complete(options, parsed, tokenizer);
            using var session = new ChatSession(loaded, tokenizer, parsed.GetValue(system), guesses);
            Talk(session, index, options, stop);
        });
        return command;
    }

    /// <summary>Answers go to stdout, all else to stderr: piped questions give piped answers.</summary>
    private static void Talk(ChatSession session, DocumentIndex? index, GenerationOptions options, CancellationToken stop)
    {
        var interactive = !Console.IsInputRedirected;
        if (index is not null)
            Console.Error.WriteLine($"Answers come from {index.Count:N0} passages of {index.Path} (--no-documents turns this off).");
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
                var (result, passages) = Ask(session, index, line, options, stop);
                Console.Out.WriteLine();
                if (new CitedPassages(passages).Of(result.Text).From is { } cited) Console.Error.WriteLine(Dim(SourceLine(cited.Passage)));
                if (interactive) Console.Error.WriteLine(GenerateCommand.Speeds(result.Statistics));
            }
            catch (UserErrorException error) when (interactive)
            {
                Console.Error.WriteLine(error.Message);                  // one message too long does not end the conversation
            }
        }
    }

    /// <summary>The answer, and the passages that the model read before it.</summary>
    private static (GenerationResult Result, IReadOnlyList<FoundPassage> Passages) Ask(
        ChatSession session, DocumentIndex? index, string line, GenerationOptions options, CancellationToken stop)
    {
        if (index is null) return (session.Ask(line, options, Console.Out.Write, stop), []);
        var book = OpenBook.Of(index, line);
        var most = book.Passages.Count;
        // Where three passages do not fit, two may; one always stays.
        string[] forms = [.. Enumerable.Range(0, Math.Max(1, most)).Select(fewer => book.Prompt(most - fewer))];
        try
        {
            var (form, result) = session.Ask(line, forms, options, Console.Out.Write, stop);
            return (result, [.. book.Passages.Take(most - form)]);
        }
        catch (UserErrorException error) when (most > 0)
        {
            throw new UserErrorException($"{error.Message} A passage of the documents is part of it: --no-documents leaves it out.", error);
        }
    }

    private static string SourceLine(Passage passage) => ShownName.Of($"  from {passage.Title} ({passage.Source})");

    private static string Dim(string text) => Console.IsErrorRedirected ? text : $"\e[2m{text}\e[22m";

    /// <summary>A line of input, or an interruption while waiting for it.</summary>
    private static string? Line(Func<string?> readLine, CancellationToken stop)
    {
        var reading = Task.Run(readLine);
        Task.WaitAny([reading], stop);
        return reading.GetAwaiter().GetResult();
    }
}
