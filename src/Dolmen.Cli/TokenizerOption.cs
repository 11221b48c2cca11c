using System.CommandLine;
using Dolmen.Pipeline.Interchange;
using Dolmen.Tokenization;

namespace Dolmen.Cli;

/// <summary>How verbs name tokenizers.</summary>
internal static class TokenizerOption
{
    private const string Named = "NAME|FILE|DIR";

    public static Option<string> One() =>
        new("--tokenizer")
        {
            Description =
                "A vocabulary: a folder of a tokenizer or a model, a file (tokenizer.json, .tiktoken, .model, .gguf), or a name such as "
                    + "cl100k.",
            HelpName = Named,
            Required = true,
        };

    public static Option<string[]> Several() =>
        new("--tokenizer")
        {
            Description =
                "A vocabulary to compare: a folder, a file (tokenizer.json, .tiktoken, .model, .gguf), or a name such as cl100k. May be "
                    + "repeated.",
            HelpName = Named,
            AllowMultipleArgumentsPerToken = false,
        };

    public static Option<string?> Counting() =>
        new("--tokenizer")
        {
            Description = "What token_count is counted with: a folder of a tokenizer or a model, a file, or a name (o200k).",
            HelpName = Named,
        };

    public static Tokenizer Load(string source) => TokenizerSource.Open(source);
}
