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
    public GenerationResult Ask(string text, GenerationOptions options, Action<string>? onText = null, CancellationToken stop = default) =>
        Ask(text, [text], options, onText, stop).Result;

    /// <summary>The same for a message that the model reads in another form, for example with passages of documents before it. The
    /// conversation keeps <paramref name="text"/> alone.</summary>
    /// <param name="forms">What the model may read, from the longest to the shortest: the first that fits is taken.</param>
    /// <returns>Which form was taken, and the answer.</returns>
    /// <exception cref="UserErrorException">Even the shortest form is longer than the context.</exception>
    public (int Form, GenerationResult Result) Ask(
        string text,
        IReadOnlyList<string> forms,
        GenerationOptions options,
        Action<string>? onText = null,
        CancellationToken stop = default
    )
    {
        options.Validate();
        var earlier = new List<ChatMessage>(_messages);
        var (form, prompt) = Fit(earlier, forms, options.MaxTokens);
        var result = _scheduler.Run(new GenerationRequest(prompt, options), onText, stop: stop);
        _messages.Clear();
        _messages.AddRange([.. earlier, new("user", text), new("assistant", result.Text)]);
        return (form, result);
    }

    public void Dispose() => _scheduler.Dispose();

    /// <summary>Drops exchanges from the oldest on until prompt and answer fit; then takes shorter forms, until the shortest stands
    /// alone.</summary>
    private (int Form, int[] Prompt) Fit(List<ChatMessage> earlier, IReadOnlyList<string> forms, int maxTokens)
    {
        var context = _model.Config.ContextLength;
        var answer = Math.Min(maxTokens, context / (forms.Count > 1 ? 4 : 2));
        var first = _system is null ? 0 : 1;
        for (var form = 0; ;)
        {
            var prompt = ChatFormat.TokenizePrompt(_tokenizer, [.. earlier, new("user", forms[form])]);
            if (prompt.Length + answer <= context) return (form, prompt);
            if (earlier.Count > first)
            {
                earlier.RemoveRange(first, Math.Min(2, earlier.Count - first));
            }
            else if (++form == forms.Count)
            {
                if (prompt.Length < context) return (form - 1, prompt);
                throw new UserErrorException(
                    $"The message has {prompt.Length} tokens with its frame but the model's context holds {context}: shorten it.");
            }
        }
    }
}
