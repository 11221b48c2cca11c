using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>A conversation in which the model answers. What it has read stays in its state: a turn costs only its new tokens. When the
/// context is full the oldest exchanges are forgotten first, the system message never.</summary>
public sealed class ChatSession : IDisposable
{
    private readonly LanguageModel _model;
    private readonly Tokenizer _tokenizer;
    private readonly Generator _generator;
    private DecodeState _state;
    private DecodeState? _before;                                        // the state before the last turn, where it cannot be truncated
    private readonly string? _system;
    private readonly List<ChatMessage> _messages = [];
    private readonly List<int> _tokensInState = [];

    public ChatSession(LanguageModel model, Tokenizer tokenizer, string? system = null)
    {
        (_model, _tokenizer, _system) = (model, tokenizer, system);
        _generator = new Generator(model, tokenizer);
        _state = model.NewState(model.Config.ContextLength);
        Reset();
    }

    public IReadOnlyList<ChatMessage> Messages => _messages;

    public void Reset()
    {
        _messages.Clear();
        if (_system is not null) _messages.Add(new ChatMessage("system", _system));
    }

    /// <summary>The model's answer to what the user said; both become part of the conversation unless this throws.</summary>
    /// <exception cref="UserErrorException">The message alone is longer than the context.</exception>
    public GenerationResult Ask(string text, GenerationOptions options, Action<string>? onText = null, CancellationToken stop = default)
    {
        options.Validate();
        var messages = new List<ChatMessage>(_messages) { new("user", text) };
        var prompt = Fit(messages, options.MaxTokens);
        var known = Rewind(CommonPrefix(prompt));
        GenerationResult result;
        try
        {
            result = _generator.Continue(_state, prompt.AsSpan(known), options, onText, before: _tokensInState, stop: stop);
        }
        catch
        {
            // How far the model came is unknown to this list: what was certain before stays.
            Rewind(Math.Min(known, _state.Length));
            throw;
        }
        _tokensInState.AddRange(prompt.AsSpan(known));
        _tokensInState.AddRange(result.Tokens.AsSpan(0, _state.Length - _tokensInState.Count));
        messages.Add(new ChatMessage("assistant", result.Text));
        _messages.Clear();
        _messages.AddRange(messages);
        return result;
    }

    public void Dispose()
    {
        _state.Dispose();
        _before?.Dispose();
    }

    /// <summary>Drops exchanges from the oldest on until prompt and answer fit, or the question stands alone.</summary>
    private int[] Fit(List<ChatMessage> messages, int maxTokens)
    {
        var context = _model.Config.ContextLength;
        var answer = Math.Min(maxTokens, context / 2);
        var first = _system is null ? 0 : 1;
        while (true)
        {
            var prompt = ChatFormat.TokenizePrompt(_tokenizer, messages);
            if (prompt.Length + answer <= context) return prompt;
            if (messages.Count - first <= 1)
            {
                return prompt.Length < context ? prompt : throw new UserErrorException(
                    $"The message has {prompt.Length} tokens with its frame but the model's context holds {context}: shorten it.");
            }
            messages.RemoveRange(first, Math.Min(2, messages.Count - first - 1));
        }
    }

    /// <summary>Brings the state back to its first <paramref name="length"/> tokens, or to fewer where it cannot forget; how many it holds
    /// then.</summary>
    private int Rewind(int length)
    {
        if (!_state.CanTruncate(length))
        {
            if (_before is { } kept && kept.Length <= length)
            {
                (_state, _before) = (kept, _state);
                length = kept.Length;
            }
            else
            {
                length = 0;
            }
        }
        _state.Truncate(length);
        _tokensInState.RemoveRange(length, _tokensInState.Count - length);
        _before?.Dispose();
        // A copy each turn, yet only where truncation cannot bring this moment back.
        _before = length > 1 && !_state.CanTruncate(1) ? _state.Fork() : null;
        return length;
    }

    /// <summary>Tokens at the beginning of the prompt that the state holds already; one less than all, since the last must be computed for
    /// its logits.</summary>
    private int CommonPrefix(int[] prompt)
    {
        var length = 0;
        while (length < _tokensInState.Count && length < prompt.Length - 1 && _tokensInState[length] == prompt[length]) length++;
        return length;
    }
}
