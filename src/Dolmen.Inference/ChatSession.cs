using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <summary>A conversation in which the model answers. What was computed is kept: a turn costs only its new tokens. When the
/// context is full the oldest exchanges are forgotten first, the system message never.</summary>
public sealed class ChatSession : IDisposable
{
    private readonly LanguageModel _model;
    private readonly Tokenizer _tokenizer;
    private readonly Scheduler _scheduler;
    private readonly string? _system;
    private readonly List<ChatMessage> _messages = [];

    /// <param name="speculation">Guesses several tokens for one pass; null does not.</param>
    public ChatSession(LanguageModel model, Tokenizer tokenizer, string? system = null, Speculation? speculation = null)
    {
        (_model, _tokenizer, _system) = (model, tokenizer, system);
        _scheduler = new Scheduler(model, tokenizer, new SchedulerOptions(MaxSequences: 1, PassSeconds: double.PositiveInfinity)
        {
            Speculation = speculation,
        });
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
        var result = _scheduler.Run(new GenerationRequest(prompt, options), onText, stop: stop);
        messages.Add(new ChatMessage("assistant", result.Text));
        _messages.Clear();
        _messages.AddRange(messages);
        return result;
    }

    public void Dispose() => _scheduler.Dispose();

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
}
