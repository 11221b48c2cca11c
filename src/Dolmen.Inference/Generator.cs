using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <param name="Stop">Text that ends the completion and is not part of it; may lie across tokens.</param>
public sealed record GenerationOptions(SamplingOptions Sampling, int MaxTokens = 256, IReadOnlyList<string>? Stop = null)
{
    /// <summary>Ids that end the text besides the model's own ends.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>Nothing ends the text before it has this many tokens.</summary>
    public int MinTokens { get; init; }

    /// <summary>The model's own ends do not end the text; stop strings and <see cref="StopTokens"/> do.</summary>
    public bool IgnoreEnds { get; init; }

    /// <summary>The stop string, or the text of the stop token, is part of the text.</summary>
    public bool ShowStop { get; init; }

    /// <summary>Control tokens are part of the text.</summary>
    public bool ShowSpecial { get; init; }

    /// <summary>What the text must be. It then ends where it may not go on, whatever <see cref="MinTokens"/> says, and keeps within
    /// <see cref="MaxTokens"/> where that is possible.</summary>
    public TextConstraint? Constraint { get; init; }

    /// <summary>Reports the log-probability of each token and this many of the likeliest beside it; null reports none.</summary>
    public int? Logprobs { get; init; }

    /// <summary>With <see cref="Logprobs"/>: also those of the prompt, which is then computed token by token. No token need be
    /// generated.</summary>
    public bool ScorePrompt { get; init; }

    /// <summary>Longer or more stop strings than these are a mistake of the caller, not a way to end a text.</summary>
    public const int MaxStops = 16, MaxStopLength = 1000;

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public void Validate()
    {
        var problems = new List<string>(Sampling.Problems());
        if (MaxTokens < (ScorePrompt ? 0 : 1))
            problems.Add($"max-tokens is {MaxTokens}: it must be at least 1.");
        if (MinTokens < 0 || MinTokens > MaxTokens)
            problems.Add($"min-tokens is {MinTokens}: it must be between 0 and max-tokens, {MaxTokens}.");
        if (Stop is { Count: > MaxStops })
            problems.Add($"There are {Stop.Count} stop strings: at most {MaxStops} are allowed.");
        if (Stop?.Any(stop => stop.Length is 0 or > MaxStopLength) == true)
        {
            problems.Add($"A stop string is empty or longer than {MaxStopLength} characters: leave it out or shorten it.");
        }
        if (problems.Count > 0) throw new UserErrorException(string.Join(" ", problems));
    }
}

/// <summary><see cref="Stop"/>: the model ended its text, or a stop string came. <see cref="Length"/>: max-tokens or the context is used
/// up.</summary>
public enum FinishReason { Stop, Length }

/// <param name="PrefillTokens">Prompt tokens computed now; those already in the state cost nothing.</param>
public sealed record GenerationStatistics(int PrefillTokens, double PrefillSeconds, int DecodeTokens, double DecodeSeconds)
{
    public double PrefillTokensPerSecond => PrefillSeconds > 0 ? PrefillTokens / PrefillSeconds : 0;

    public double DecodeTokensPerSecond => DecodeSeconds > 0 ? DecodeTokens / DecodeSeconds : 0;
}

/// <param name="Tokens">Without the stop token; may reach past <paramref name="Text"/> where a stop string cut it.</param>
public sealed record GenerationResult(string Text, int[] Tokens, FinishReason FinishReason, GenerationStatistics Statistics)
{
    /// <summary>The token that ended the text; null where a stop string or a limit did.</summary>
    public int? StopToken { get; init; }

    /// <summary>Of <see cref="Tokens"/>, then of <see cref="StopToken"/>; empty unless asked for.</summary>
    public IReadOnlyList<TokenLogprob> Logprobs { get; init; } = [];

    /// <summary>Of the prompt; empty unless asked for.</summary>
    public IReadOnlyList<TokenLogprob> PromptLogprobs { get; init; } = [];
}

/// <summary>Continues token sequences: prefill once, then one step a token, until one of <see cref="Tokenizer.Ends"/> comes.</summary>
public sealed class Generator(LanguageModel model, Tokenizer tokenizer)
{
    /// <param name="onText">Called with each piece as soon as it is certain: whole characters, never part of a stop string.</param>
    /// <param name="onToken">Called with each token's log-probability where those were asked for, before the token's text; not with that of
    /// the token that ends the text.</param>
    /// <exception cref="UserErrorException">The prompt is empty or leaves no room in the context, or an option is out of its
    /// range.</exception>
    /// <exception cref="OperationCanceledException">Stopped between two tokens.</exception>
    public GenerationResult Generate(ReadOnlySpan<int> prompt, GenerationOptions options, Action<string>? onText = null,
        Action<TokenLogprob>? onToken = null, CancellationToken stop = default)
    {
        options.Validate();
        CheckPrompt(prompt.Length, options);
        using var state = model.NewState((int)Math.Min(model.Config.ContextLength, (long)prompt.Length + options.MaxTokens));
        return Continue(state, prompt, options, onText, onToken, stop: stop);
    }

    /// <summary>The same on a state that already holds the beginning; <paramref name="tokens"/> (at least one) are the rest of the prompt.
    /// Afterwards the state holds the prompt and every token that was computed, the last drawn one perhaps not.</summary>
    /// <param name="before">The tokens in the state, for the repetition penalty.</param>
    public GenerationResult Continue(
        DecodeState state, ReadOnlySpan<int> tokens, GenerationOptions options, Action<string>? onText = null,
        Action<TokenLogprob>? onToken = null, IReadOnlyList<int>? before = null, CancellationToken stop = default)
    {
        options.Validate();
        CheckPrompt(state.Length + tokens.Length, options);
        var logits = new float[model.Config.VocabSize];
        // A padded vocabulary has ids without text: they are never drawn.
        var drawable = Math.Min(logits.Length, tokenizer.VocabSize);
        int[] ends = [.. options.IgnoreEnds ? [] : tokenizer.Ends, .. options.StopTokens];
        var atStart = state.Length == 0 && OnlySpecial(tokens);
        var cursor = options.Constraint?.Begin(dropsSpace: atStart && tokenizer.DropsLeadingSpace);
        var rules = new LogitRules(options.Sampling, [.. before ?? [], .. tokens.ToArray()], ends, cursor);
        var sampler = new Sampler(options.Sampling);
        var decoder = new StreamingDecoder(tokenizer, skipSpecial: !options.ShowSpecial, atStart);
        var gate = new TextGate(options.Stop ?? [], onText, options.ShowStop);
        stop.ThrowIfCancellationRequested();

        var started = Stopwatch.GetTimestamp();
        var ofPrompt = Prefill(state, tokens, options, logits, onToken, stop);
        var prefillSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        started = Stopwatch.GetTimestamp();
        var (output, logprobs, steps) = (new List<int>(), new List<TokenLogprob>(), 0);
        var limit = Math.Min(options.MaxTokens, Math.Min(state.Capacity, model.Config.ContextLength) - state.Length);
        var (reason, stopToken) = (FinishReason.Length, (int?)null);
        while (output.Count < limit)
        {
            stop.ThrowIfCancellationRequested();
            var possible = rules.Apply(logits.AsSpan(0, drawable), mayEnd: output.Count >= options.MinTokens, limit - output.Count);
            if (possible.IsEmpty)
            {
                reason = FinishReason.Stop;
                break;
            }
            var token = sampler.Sample(possible);
            if (options.Logprobs is { } top) logprobs.Add(TokenLogprob.Of(logits, drawable, token, top));
            if (ends.Contains(token))
            {
                (reason, stopToken) = (FinishReason.Stop, token);
                break;
            }
            output.Add(token);
            if (logprobs.Count > 0) onToken?.Invoke(logprobs[^1]);
            rules.Count(token);
            gate.Add(decoder.Add(token), mayStop: output.Count >= options.MinTokens);
            if (gate.Stopped)
            {
                reason = FinishReason.Stop;
                break;
            }
            if (cursor is { MustEnd: true })
            {
                reason = FinishReason.Stop;
                break;
            }
            if (output.Count == limit) break;
            model.Step(token, state, logits);
            steps++;
        }
        if (stopToken is { } shown && options.ShowStop && options.StopTokens.Contains(shown)) gate.Add(decoder.Add(shown));
        gate.Add(decoder.Flush());
        gate.Finish();
        if (gate.Stopped) reason = FinishReason.Stop;
        var statistics = new GenerationStatistics(tokens.Length, prefillSeconds, steps, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return new GenerationResult(gate.Text, [.. output], reason, statistics)
        {
            StopToken = stopToken, Logprobs = logprobs, PromptLogprobs = ofPrompt,
        };
    }

    /// <summary>Computes the prompt; the log-probabilities of its tokens need all logits of every position, a step each.</summary>
    private List<TokenLogprob> Prefill(DecodeState state, ReadOnlySpan<int> tokens, GenerationOptions options, float[] logits,
        Action<TokenLogprob>? onToken, CancellationToken stop)
    {
        if (options is not { ScorePrompt: true, Logprobs: { } top })
        {
            model.Prefill(tokens, state, logits);
            return [];
        }
        var scored = new List<TokenLogprob>(tokens.Length) { new(tokens[0], null, []) };
        onToken?.Invoke(scored[0]);
        model.Prefill(tokens[..1], state, logits);
        for (var i = 1; i < tokens.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            scored.Add(TokenLogprob.Of(logits, Math.Min(logits.Length, tokenizer.VocabSize), tokens[i], top));
            onToken?.Invoke(scored[i]);
            model.Step(tokens[i], state, logits);
        }
        return scored;
    }

    private bool OnlySpecial(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (!tokenizer.IsSpecial(token)) return false;
        }
        return true;
    }

    private void CheckPrompt(int length, GenerationOptions options)
    {
        if (length == 0) throw new UserErrorException("The prompt is empty: give at least one token to continue.");
        if (length >= model.Config.ContextLength && (options.MaxTokens > 0 || length > model.Config.ContextLength))
        {
            throw new UserErrorException(
                $"The prompt has {length} tokens but the model's context holds {model.Config.ContextLength}, the completion included: " +
                    $"shorten the prompt to at most {model.Config.ContextLength - 1} tokens.");
        }
    }
}
