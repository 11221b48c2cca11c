using Dolmen.Checkpoints;

namespace Dolmen.Inference;

/// <summary>A model ready to continue text. Prompts go through <see cref="Prefill"/> at once, new tokens one at a time through
/// <see cref="Step"/>; both leave the same state, whatever the split. One call at a time per model.</summary>
public abstract class LanguageModel : IDisposable
{
    public abstract ModelConfig Config { get; }

    /// <summary>An empty state with room for <paramref name="capacity"/> tokens.</summary>
    public abstract DecodeState NewState(int capacity);

    /// <summary>Appends <paramref name="tokens"/> (at least one) to the state; writes the logits after the last one, (VocabSize).</summary>
    public abstract void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits);

    /// <summary>Appends one token; writes the logits after it, (VocabSize).</summary>
    public abstract void Step(int token, DecodeState state, Span<float> logits);

    /// <summary>Appends <paramref name="tokens"/>; writes for each position i the natural-log probability of <paramref name="targets"/>[i]
    /// after tokens[0..i]. This is what scoring needs, without all the logits.</summary>
    public abstract void LogProbs(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, DecodeState state, Span<float> logProbs);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
