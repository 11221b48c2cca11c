using Dolmen.Artifacts;
using Dolmen.Checkpoints;
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

    /// <summary>Also makes one vector of the hidden states of the prompt. No token need be generated.</summary>
    public Pooling? Pooling { get; init; }

    /// <summary>Longer or more stop strings than these are a mistake of the caller, not a way to end a text.</summary>
    public const int MaxStops = 16, MaxStopLength = 1000;

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public void Validate()
    {
        var problems = new List<string>(Sampling.Problems());
        if (MaxTokens < (ScorePrompt || Pooling is not null ? 0 : 1))
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

/// <param name="PrefillTokens">Prompt tokens computed now.</param>
public sealed record GenerationStatistics(int PrefillTokens, double PrefillSeconds, int DecodeTokens, double DecodeSeconds)
{
    /// <summary>Prompt tokens that were computed before, for another text.</summary>
    public int CachedTokens { get; init; }

    /// <summary>Memory of what the model remembered of prompt and text when the text ended.</summary>
    public long StateBytes { get; init; }

    /// <summary>Tokens that were guessed for passes to check, see <see cref="Speculation"/>, and how many of them were right.</summary>
    public int DraftedTokens { get; init; }

    public int AcceptedTokens { get; init; }

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

    /// <summary>What <see cref="GenerationOptions.Pooling"/> made of the prompt, (D), as the model gives it: not normalised. Empty unless
    /// asked for.</summary>
    public float[] Pooled { get; init; } = [];
}

/// <summary>Continues one token sequence at a time; see <see cref="Scheduler"/> for many.</summary>
/// <param name="speculation">Guesses several tokens for one pass; null does not.</param>
public sealed class Generator(LanguageModel model, Tokenizer tokenizer, Speculation? speculation = null)
{
    private readonly SchedulerOptions _alone = new(MaxSequences: 1, PassSeconds: double.PositiveInfinity, CachePrefixes: false)
    {
        Speculation = speculation,
    };

    /// <param name="onText">Called with each piece as soon as it is certain: whole characters, never part of a stop string.</param>
    /// <param name="onToken">Called with each token's log-probability where those were asked for, before the token's text; not with that of
    /// the token that ends the text.</param>
    /// <exception cref="UserErrorException">The prompt is empty or leaves no room in the context, or an option is out of its
    /// range.</exception>
    /// <exception cref="OperationCanceledException">Stopped between two tokens.</exception>
    public GenerationResult Generate(ReadOnlySpan<int> prompt, GenerationOptions options, Action<string>? onText = null,
        Action<TokenLogprob>? onToken = null, CancellationToken stop = default)
    {
        using var scheduler = new Scheduler(model, tokenizer, _alone);
        return scheduler.Run(new GenerationRequest(prompt.ToArray(), options), onText, onToken, stop);
    }
}
