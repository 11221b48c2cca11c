using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Data;

/// <summary>Counts a document's tokens for the column <c>token_count</c>, without those that bound a text.</summary>
internal sealed class TokenCounter
{
    private static readonly Lazy<Tokenizer> ByDefault = new(() => VocabularySource.Open(CorpusRecipe.DefaultTokenizer));

    private readonly Tokenizer _tokenizer;

    private TokenCounter(Tokenizer tokenizer) => _tokenizer = tokenizer;

    /// <param name="source">As <see cref="VocabularySource.Open"/> takes it; null counts nothing.</param>
    /// <exception cref="UserErrorException">There is no such vocabulary, or it is damaged.</exception>
    public static TokenCounter? Open(string? source) =>
        source is null ? null
        : source == CorpusRecipe.DefaultTokenizer ? new TokenCounter(ByDefault.Value)
        : new TokenCounter(VocabularySource.Open(source));

    public long Count(string text)
    {
        var tokens = new List<int>((text.Length / 3) + 8);
        _tokenizer.Encode(text, tokens);
        return tokens.Count;
    }
}
