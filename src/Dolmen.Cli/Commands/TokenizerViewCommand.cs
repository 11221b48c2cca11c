using System.CommandLine;
using System.Text;
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
        var command = new Command("view", "Show a text's tokens in colours, with ids, and bytes where a token is no whole character.")
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
                if (parsed.GetValue(text) is not null && parsed.GetValue(input) is not null)
                    throw new UserErrorException("a text and --input were both given: name one of them.");
                var name = parsed.GetRequiredValue(tokenizer);
                var shown = parsed.GetValue(text) ?? Read(parsed.GetValue(input));
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

    /// <summary>One character more than can be shown, so that a longer text is refused, not cut.</summary>
    private static string Read(string? file)
    {
        if (file is not null && !File.Exists(file)) throw new UserErrorException($"{file} does not exist: --input names a text file.");
        using var reader = file is null ? Console.In : new StreamReader(file, Encoding.UTF8);
        var chars = new char[TokenView.MostChars + 1];
        var read = reader.ReadBlock(chars);
        return new string(chars, 0, read);
    }
}
