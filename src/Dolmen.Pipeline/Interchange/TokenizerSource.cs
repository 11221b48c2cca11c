using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <summary>Opens what a user names with --tokenizer.</summary>
public static class TokenizerSource
{
    /// <param name="source">A known vocabulary's name, a vocabulary's file (GGUF as well), or a folder that holds one.</param>
    /// <exception cref="UserErrorException">Nothing there, or nothing that is a vocabulary, or a damaged one.</exception>
    public static Tokenizer Open(string source) => VocabularySource.Open(source, GgufTokenizer.Load);
}
