using System.CommandLine;
using Dolmen.Tokenization;

namespace Dolmen.Cli;

/// <summary>How verbs name tokenizers.</summary>
internal static class TokenizerOption
{
    public static Option<string> One() => new("--tokenizer") { Description = "A folder with tokenizer.json: of a tokenizer or of a model.", HelpName = "DIR", Required = true };

    public static Option<string[]> Several(string what) => new("--tokenizer") { Description = $"{what}: a folder with tokenizer.json. May be repeated.", HelpName = "DIR", AllowMultipleArgumentsPerToken = false };

    public static Tokenizer Load(string name) => TokenizerFolder.Load(name);
}
