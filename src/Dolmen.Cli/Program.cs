using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Cli;
using Dolmen.Cli.Commands;

var root = new RootCommand(
    "Builds foundation models on the machine you have: corpus, tokenizer, base model, alignment, evaluation, serving."
);
foreach (var command in CommandTree.All)
    root.Add(command);

var parsed = root.Parse(args.Length > 0 ? args : ["--help"]);
if (ParseMessages.Of(parsed) is { Count: > 0 } messages)
{
    foreach (var message in messages)
        Console.Error.WriteLine($"dolmen: {message}");
    Console.Error.WriteLine(
        $"dolmen: type '{CommandName.Shown} {string.Join(' ', parsed.CommandPath())} --help' for what it takes.".Replace("  ", " ")
    );
    return ExitCode.UserError;
}
return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
