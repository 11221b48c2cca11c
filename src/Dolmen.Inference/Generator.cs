using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Inference;

/// <param name="Stop">Text that ends the completion and is not part of it; may lie across tokens.</param>
public sealed record GenerationOptions(SamplingOptions Sampling, int MaxTokens = 256, IReadOnlyList<string>? Stop = null)
{
    /// <summary>Longer or more stop strings than these are a mistake of the caller, not a way to end a text.</summary>
    public const int MaxStops = 16, MaxStopLength = 1000;

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public void Validate()
    {
        var problems = new List<string>(Sampling.Problems());
        if (MaxTokens < 1) problems.Add($"max-tokens is {MaxTokens}: it must be at least 1.");
        if (Stop is { Count: > MaxStops }) problems.Add($"There are {Stop.Count} stop strings: at most {MaxStops} are allowed.");
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
public sealed record GenerationResult(string Text, int[] Tokens, FinishReason FinishReason, GenerationStatistics Statistics);

/// <summary>Continues token sequences: prefill once, then one step a token. Any special token ends the text, since none is part of
/// it.</summary>
public sealed class Generator(LanguageModel model, Tokenizer tokenizer)
{
    private readonly int[] _stopTokens =
        [tokenizer.Special.Eos, tokenizer.Special.End, tokenizer.Special.Bos, tokenizer.Special.Pad, tokenizer.Special.System,
            tokenizer.Special.User, tokenizer.Special.Assistant];

    /// <param name="onText">Called with each piece as soon as it is certain: whole characters, never part of a stop string.</param>
    /// <exception cref="UserErrorException">The prompt is empty or leaves no room in the context, or an option is out of its
    /// range.</exception>
    /// <exception cref="OperationCanceledException">Stopped between two tokens.</exception>
    public GenerationResult Generate(ReadOnlySpan<int> prompt, GenerationOptions options, Action<string>? onText = null,
        CancellationToken stop = default)
    {
        options.Validate();
        CheckPrompt(prompt.Length);
        using var state = model.NewState((int)Math.Min(model.Config.ContextLength, (long)prompt.Length + options.MaxTokens));
        return Continue(state, prompt, options, onText, stop);
    }

    /// <summary>The same on a state that already holds the beginning; <paramref name="tokens"/> (at least one) are the rest of the prompt.
    /// Afterwards the state holds the prompt and every token that was computed, the last drawn one perhaps not.</summary>
    public GenerationResult Continue(
        DecodeState state, ReadOnlySpan<int> tokens, GenerationOptions options, Action<string>? onText = null,
            CancellationToken stop = default)
    {
        options.Validate();
        CheckPrompt(state.Length + tokens.Length);
        var logits = new float[model.Config.VocabSize];
        // A padded vocabulary has ids without text: they are never drawn.
        var drawable = logits.AsSpan(0, Math.Min(logits.Length, tokenizer.VocabSize));
        var sampler = new Sampler(options.Sampling);
        var decoder = new StreamingDecoder(tokenizer, atStart: state.Length == 0 && OnlySpecial(tokens));
        var gate = new TextGate(options.Stop ?? [], onText);
        stop.ThrowIfCancellationRequested();

        var started = Stopwatch.GetTimestamp();
        model.Prefill(tokens, state, logits);
        var prefillSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        started = Stopwatch.GetTimestamp();
        var output = new List<int>();
        var steps = 0;
        var limit = Math.Min(options.MaxTokens, Math.Min(state.Capacity, model.Config.ContextLength) - state.Length);
        var reason = FinishReason.Length;
        while (output.Count < limit)
        {
            stop.ThrowIfCancellationRequested();
            var token = sampler.Sample(drawable);
            if (_stopTokens.Contains(token))
            {
                reason = FinishReason.Stop;
                break;
            }
            output.Add(token);
            gate.Add(decoder.Add(token));
            if (gate.Stopped)
            {
                reason = FinishReason.Stop;
                break;
            }
            if (output.Count == limit) break;
            model.Step(token, state, logits);
            steps++;
        }
        gate.Add(decoder.Flush());
        gate.Finish();
        if (gate.Stopped) reason = FinishReason.Stop;
        var statistics = new GenerationStatistics(tokens.Length, prefillSeconds, steps, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return new GenerationResult(gate.Text, [.. output], reason, statistics);
    }

    private bool OnlySpecial(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (!tokenizer.IsSpecial(token)) return false;
        }
        return true;
    }

    private void CheckPrompt(int length)
    {
        if (length == 0) throw new UserErrorException("The prompt is empty: give at least one token to continue.");
        if (length >= model.Config.ContextLength)
        {
            throw new UserErrorException(
                $"The prompt has {length} tokens but the model's context holds {model.Config.ContextLength}, the completion included: " +
                    $"shorten the prompt to at most {model.Config.ContextLength - 1} tokens.");
        }
    }
}
