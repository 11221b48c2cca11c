using System.Threading.Channels;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Inference;

/// <summary>A text to generate.</summary>
/// <param name="Prompt">At least one token.</param>
/// <param name="Options">How to draw, when to stop and what to report; the seed is part of it.</param>
public sealed record GenerationRequest(ReadOnlyMemory<int> Prompt, GenerationOptions Options)
{
    /// <exception cref="UserErrorException">The prompt is empty, leaves no room in the context or has tokens that the model does not know,
    /// or an option is out of its range.</exception>
    public void Validate(LanguageModel model)
    {
        Options.Validate();
        Validate(model.Config);
        if (Options.Pooling is not null && model.HiddenSize == 0)
            throw new UserErrorException("This model gives no hidden states to make a vector of: only decoders do.");
    }

    private void Validate(ModelConfig model)
    {
        var (length, context) = (Prompt.Length, model.ContextLength);
        if (length == 0) throw new UserErrorException("The prompt is empty: give at least one token to continue.");
        if (length >= context && (Options.MaxTokens > 0 || length > context))
        {
            throw new UserErrorException(
                $"The prompt has {length} tokens but the model's context holds {context}, the completion included: "
                    + $"shorten the prompt to at most {context - 1} tokens.");
        }
        foreach (var token in Prompt.Span)
        {
            if ((uint)token < (uint)model.VocabSize) continue;
            throw new UserErrorException($"The prompt has the token {token}: the model's vocabulary goes from 0 to {model.VocabSize - 1}.");
        }
    }
}

/// <summary>A part of a text that is being generated: a token with its log-probability where those were asked for, or a piece of text,
/// which comes as soon as it is certain and after the tokens that it is made of. The token that ends the text is not among them.</summary>
public readonly record struct GenerationPiece(string Text, TokenLogprob? Token);

/// <summary>A text that a <see cref="Scheduler"/> generates: read its pieces as they come, or await it whole, or both.</summary>
public sealed class Generation
{
    private readonly Channel<GenerationPiece> _pieces =
        Channel.CreateUnbounded<GenerationPiece>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<GenerationResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Generation() { }

    /// <summary>Completes when the text has its turn, or has ended without one.</summary>
    public Task Started => _started.Task;

    /// <summary>The whole text. Fails with what failed while it was computed; cancelled where the request was.</summary>
    public Task<GenerationResult> Result => _result.Task;

    /// <summary>A piece that is there already.</summary>
    public bool TryRead(out GenerationPiece piece) => _pieces.Reader.TryRead(out piece);

    /// <summary>All pieces as they come; ends with the text and does not throw what <see cref="Result"/> throws. For one reader.</summary>
    public IAsyncEnumerable<GenerationPiece> ReadAllAsync(CancellationToken stop = default) => _pieces.Reader.ReadAllAsync(stop);

    internal void Start() => _started.TrySetResult();

    internal void Add(string text) => _pieces.Writer.TryWrite(new GenerationPiece(text, null));

    internal void Add(TokenLogprob token) => _pieces.Writer.TryWrite(new GenerationPiece("", token));

    internal void Complete(GenerationResult result) => End(() => _result.TrySetResult(result));

    internal void Fail(Exception error) => End(() => _result.TrySetException(error));

    internal void Cancel(CancellationToken stop) => End(() => _result.TrySetCanceled(stop));

    private void End(Action set)
    {
        Start();
        _pieces.Writer.TryComplete();
        set();
    }
}
