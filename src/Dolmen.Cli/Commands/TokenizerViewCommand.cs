using System.CommandLine;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Cli.Commands;

internal static class TokenizerViewCommand
{
    public static Command Build()
    {
        var text = new Argument<string?>("text")
        {
            Description = "The text; standard input when left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var tokenizer = TokenizerOption.One();
        var input = new Option<string?>("--input") { Description = "A text file instead.", HelpName = "FILE" };
        var special = new Option<bool>("--special") { Description = "Names of special tokens in the text become these tokens." };
        var html = new Option<string?>("--html") { Description = "Write a page instead.", HelpName = "FILE" };
        var command = new Command("view", "Show a text's tokens in colours, with ids, and bytes where a token is not a whole character.")
        {
            text,
            tokenizer,
            input,
            special,
            html,
        };
        command.Runs(
            (parsed, _) =>
            {
                var name = parsed.GetRequiredValue(tokenizer);
                var shown = TextArgument.Read(parsed.GetValue(text), parsed.GetValue(input));
                var tokens = TokenView.Of(TokenizerOption.Load(name), shown, parsed.GetValue(special));
                if (parsed.GetValue(html) is { } page)
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(page))!);
                    AtomicFile.WriteText(page, TokenPage.Html(name, tokens));
                    Console.Error.WriteLine($"Page: {page}");
                    return;
                }
                var colours = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
                Console.Out.Write(colours ? TokenView.Coloured(tokens) : TokenView.Plain(tokens));
            }
        );
        return command;
    }
}
