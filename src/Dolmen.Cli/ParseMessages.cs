using System.CommandLine;
using System.CommandLine.Parsing;
using Dolmen.Artifacts;

namespace Dolmen.Cli;

/// <summary>What is wrong with a command line: a word that is not known is said first, with the one that was likely meant.</summary>
internal static class ParseMessages
{
    public static IEnumerable<string> Of(ParseResult parsed)
    {
        // Where any number of paths may stand, an option that is misspelt is taken for one.
        List<string> unknown = [.. parsed.UnmatchedTokens, .. parsed.Tokens.Where(t => t.Type == TokenType.Argument && t.Value.StartsWith("--", StringComparison.Ordinal)).Select(t => t.Value)];
        if (unknown.Count == 0) return parsed.Errors.Select(error => error.Message);
        var command = parsed.CommandResult.Command;
        List<string> known = [.. command.Subcommands.Select(c => c.Name), .. command.Options.Select(o => o.Name)];
        return unknown.Distinct(StringComparer.Ordinal).Select(token => $"'{token}' is nothing that '{string.Join(' ', ["dolmen", .. parsed.CommandPath()])}' knows.{Meant(token)}");

        string Meant(string token) => NearestName.Of(token, known) is { } near ? $" Did you mean '{near}'?" : "";
    }
}
