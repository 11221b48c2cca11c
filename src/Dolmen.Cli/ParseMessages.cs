using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using Dolmen.Artifacts;

namespace Dolmen.Cli;

/// <summary>What is wrong with a command line: a word that is not known is said first, with the one that was likely meant.</summary>
internal static class ParseMessages
{
    /// <returns>None where nothing is wrong.</returns>
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        List<string> unknown = [.. parsed.UnmatchedTokens, .. AmongValues(parsed)];
        if (unknown.Count == 0) return [.. parsed.Errors.Select(Message)];
        // What stands behind a misspelt option is its value, and known to nobody either.
        if (unknown.Exists(IsOption)) unknown.RemoveAll(token => !IsOption(token));
        var command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0) unknown = unknown[..1];
        var verb = string.Join(' ', ["dolmen", .. parsed.CommandPath()]);
        List<string> known = [.. command.Subcommands.Select(c => c.Name), .. command.Options.Select(o => o.Name)];
        return
        [
            .. unknown
                .Distinct(StringComparer.Ordinal)
                .Select(token => $"'{token}' is not an option or argument of '{verb}'.{Suggestion(token, known)}"),
        ];
    }

    /// <summary>Where texts or any number of paths may stand, an option that is misspelt is taken for one; behind -- it is one.</summary>
    private static IEnumerable<string> AmongValues(ParseResult parsed)
    {
        if (parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)) return [];
        return parsed.CommandResult.Children.Where(child => child switch
        {
            OptionResult option => option.Option.Arity.MaximumNumberOfValues > 1,
            ArgumentResult => true,
            _ => false,
        }).SelectMany(child => child.Tokens).Select(token => token.Value).Where(IsOption);
    }

    private static bool IsOption(string token) => token.StartsWith("--", StringComparison.Ordinal);

    private static string Message(ParseError error)
    {
        IEnumerable<CompletionItem> items = error.SymbolResult switch
        {
            ArgumentResult argument => argument.Argument.GetCompletions(CompletionContext.Empty),
            OptionResult option => option.Option.GetCompletions(CompletionContext.Empty),
            _ => [],
        };
        List<string> choices = [.. items.Select(item => item.Label)];
        var wrong = error
            .SymbolResult?.Tokens.Select(token => token.Value)
            .FirstOrDefault(value => !choices.Contains(value, StringComparer.Ordinal));
        return choices.Count == 0 || wrong is null
            ? error.Message
            : $"'{wrong}' is not one of {string.Join(", ", choices)}.{Suggestion(wrong, choices)}";
    }

    private static string Suggestion(string token, IReadOnlyList<string> known) =>
        NearestName.Of(token, known) is { } near ? $" Did you mean '{near}'?" : "";
}
