using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Cli;

/// <summary>What every verb shares: Ctrl-C and SIGTERM as a cancellation, errors as one message, outcomes as exit codes.</summary>
internal static class CommandRun
{
    public static void Runs(this Command command, Action<ParseResult, CancellationToken> body) =>
        command.Runs((parsed, stop) => { body(parsed, stop); return ExitCode.Done; });

    public static void Runs(this Command command, Func<ParseResult, CancellationToken, int> body) =>
        command.SetAction(parsed => Guard(stop =>
        {
            var strict = parsed.GetResult(CommonOptions.StrictName) is OptionResult result && result.GetValueOrDefault<bool>();
            ModelReading.Current = new ModelReading(strict, sentence => Say($"note: {sentence}"));
            return body(parsed, stop);
        }));

    /// <summary>A verb that writes an output holds a lock on it while it runs, so that a second one is refused instead of both losing their
    /// work, and records what it does: the body says what it reads and, at the end, what it made. Without an output nothing is
    /// recorded.</summary>
    public static void RunsInto(this Command command, Option output, Func<ParseResult, RecordedWork, CancellationToken, int> body) =>
        command.Runs((parsed, stop) =>
        {
            var path = parsed.GetResult(output)?.GetValueOrDefault<string?>() is { Length: > 0 } named ? named : null;
            using var held = path is null ? null : FileLock.Beside(path);
            using var work = new RecordedWork(string.Join(' ', parsed.CommandPath()), path, stop);
            return body(parsed, work, stop);
        });

    public static void RunsInto(this Command command, Option output, Action<ParseResult, RecordedWork, CancellationToken> body) =>
        command.RunsInto(output, (parsed, work, stop) => { body(parsed, work, stop); return ExitCode.Done; });

    /// <summary>The words typed before the options: "corpus build".</summary>
    public static IEnumerable<string> CommandPath(this ParseResult parsed)
    {
        var names = new List<string>();
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult { Command: not RootCommand } result; at = at.Parent)
            names.Add(result.Command.Name);
        names.Reverse();
        return names;
    }

    private static int Guard(Func<CancellationToken, int> body)
    {
        using var stop = new CancellationTokenSource();
        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;                                        // finish the step, save, then leave with 130
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        try
        {
            return body(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Say("interrupted: what was finished is kept. The same command goes on from there.");
            return ExitCode.Interrupted;
        }
        catch (UserErrorException error)
        {
            Say(error.Message);
            return ExitCode.UserError;
        }
        catch (Exception error) when (FileTrouble.Of(error) is { } message)
        {
            Say(message);
            return ExitCode.UserError;
        }
        catch (Exception error)
        {
            Say($"failed: {error.Message}");
            Console.Error.WriteLine(error.ToString());
            return ExitCode.Failed;
        }
    }

    private static void Say(string message) => Console.Error.WriteLine($"dolmen: {ShownName.InText(message)}");
}
