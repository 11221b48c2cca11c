using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>A draft model's guesses are tokens of the other model: both must mean the same by each.</summary>
public static class DraftVocabulary
{
    /// <exception cref="UserErrorException">They do not; the message names the first token that differs.</exception>
    public static void Check(Tokenizer tokenizer, LanguageModel draft, Tokenizer draftTokenizer)
    {
        const string wayOut = "Take a draft model that was trained with the model's own tokenizer.";
        var size = tokenizer.VocabSize != draftTokenizer.VocabSize ? draftTokenizer.VocabSize
            : Math.Min(draft.Config.VocabSize, tokenizer.VocabSize);
        if (size != tokenizer.VocabSize)
        {
            throw new UserErrorException(
                $"The draft model has {size} tokens, the model {tokenizer.VocabSize}: "
                    + $"a draft must have the same vocabulary. {wayOut}");
        }
        for (var token = 0; token < tokenizer.VocabSize; token++)
        {
            if (tokenizer.BytesOf(token).SequenceEqual(draftTokenizer.BytesOf(token))
                && tokenizer.IsSpecial(token) == draftTokenizer.IsSpecial(token)) continue;
            throw new UserErrorException(
                $"Token {token} is '{tokenizer.Decode([token])}' for the model and '{draftTokenizer.Decode([token])}' for the draft model: "
                    + $"a draft must have the same vocabulary. {wayOut}");
        }
    }
}
