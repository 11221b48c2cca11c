using System.Text;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>Log-probabilities in OpenAI's two shapes. A text's offsets go on from one call to the next.</summary>
internal sealed class TokenReport(Tokenizer tokenizer, bool showSpecial)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly StreamingDecoder _decoder = new(tokenizer, skipSpecial: !showSpecial);
    private int _offset;

    public TextLogprobs Text(IReadOnlyList<TokenLogprob> tokens)
    {
        var offsets = new int[tokens.Count];
        for (var i = 0; i < offsets.Length; i++)
        {
            offsets[i] = _offset;
            _offset += _decoder.Add(tokens[i].Token).Length;
        }
        return new TextLogprobs(offsets, [.. tokens.Select(token => token.Logprob)], [.. tokens.Select(token => Name(token.Token))],
            [.. tokens.Select(Top)]);
    }

    public ChatLogprobs Chat(IReadOnlyList<TokenLogprob> tokens) => new([.. tokens.Select(token =>
        Entry(token.Token, token.Logprob ?? 0, [.. token.Top.Select(other => Entry(other.Token, other.Logprob, null))]))], null);

    private Dictionary<string, double>? Top(TokenLogprob token)
    {
        if (token.Logprob is not { } own) return null;
        var top = new Dictionary<string, double>(StringComparer.Ordinal);
        // Two ids may have one text: the likelier one is named.
        foreach (var (other, logprob) in token.Top) top.TryAdd(Name(other), logprob);
        top.TryAdd(Name(token.Token), own);
        return top;
    }

    private ChatLogprob Entry(int token, double logprob, IReadOnlyList<ChatLogprob>? top)
    {
        var bytes = tokenizer.BytesOf(token);
        return new ChatLogprob(Encoding.UTF8.GetString(bytes), logprob, [.. bytes.ToArray().Select(value => (int)value)], top);
    }

    /// <summary>The token's text; a part of a character as <c>bytes:\xe4</c>, as OpenAI writes it, since such parts are told apart by
    /// nothing else.</summary>
    private string Name(int token) =>
        TextOf(token) ?? "bytes:" + string.Concat(BytesOf(token).Select(value => $"\\x{value:x2}"));

    public byte[] BytesOf(int token) => tokenizer.BytesOf(token).ToArray();

    /// <summary>Null where the token's bytes are not UTF-8 by themselves.</summary>
    public string? TextOf(int token)
    {
        try
        {
            return Strict.GetString(tokenizer.BytesOf(token));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
