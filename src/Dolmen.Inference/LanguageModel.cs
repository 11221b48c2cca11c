using Dolmen.Checkpoints;

namespace Dolmen.Inference;

/// <summary>A model ready to continue text. <see cref="Forward"/> takes any number of sequences at once, each with its own number of new
/// tokens: parts of prompts and single tokens of different sequences go through the same products, so weights are read once for all of
/// them. What a sequence gets is the same to the bit whoever else is in the pass, however its tokens were cut into passes and for any
/// number of threads. One call at a time per model.</summary>
public abstract class LanguageModel : IDisposable
{
    private float[] _row = [];

    public abstract ModelConfig Config { get; }

    /// <summary>Threads that a pass runs on.</summary>
    public virtual int Threads => 1;

    /// <summary>Whether what a token gets depends on the length of the prompt it belongs to, see
    /// <see cref="SequenceSlice.PromptEnd"/>. The prefix of one prompt then cannot stand for that of another.</summary>
    public virtual bool DependsOnLength => false;

    /// <summary>Numbers of a hidden state, see <see cref="SequenceSlice.HiddenStates"/>; 0 where the model gives none.</summary>
    public virtual int HiddenSize => 0;

    /// <summary>Memory of all its states that are alive, what several share counted once; 0 where nobody counts.</summary>
    public virtual long StateBytes => 0;

    /// <summary>Memory of the state of one sequence of <paramref name="tokens"/> tokens, without what rounding up to whole pages
    /// adds.</summary>
    public virtual long StateBytesOf(int tokens) => Config.StateBytes(tokens, sizeof(float));

    /// <summary>Bytes the weights take in memory; 0 where nobody counts.</summary>
    public virtual long WeightBytes => 0;

    internal GuessingHistory Guessing { get; } = new();

    /// <summary>An empty state with room for <paramref name="capacity"/> tokens.</summary>
    public abstract DecodeState NewState(int capacity);

    /// <summary>Appends each slice's tokens to its state and writes the results that it asks for. All slices are checked before any state
    /// changes; a failure later on leaves the states of the batch undefined.</summary>
    public abstract void Forward(params ReadOnlySpan<SequenceSlice> batch);

    /// <summary>Takes other weights of the same shapes, without building anything anew. States that the model made before belong to it no
    /// longer.</summary>
    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once. Where it throws,
    /// the model is of use again only after another call.</param>
    public virtual void Reload(Func<string, ReadOnlyMemory<float>> weights) =>
        throw new NotSupportedException($"{GetType().Name} keeps the weights that it has.");

    /// <summary>Appends <paramref name="tokens"/> (at least one) to the state; writes the logits after the last one, (VocabSize).</summary>
    public void Prefill(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        if (logits.Length != Config.VocabSize)
            throw new ArgumentException($"There are {logits.Length} places for the {Config.VocabSize} logits of a token.", nameof(logits));
        if (_row.Length == 0) _row = new float[Config.VocabSize];
        Forward(new SequenceSlice(state, tokens.ToArray()) { Logits = _row });
        _row.CopyTo(logits);
    }

    /// <summary>Appends one token; writes the logits after it, (VocabSize).</summary>
    public void Step(int token, DecodeState state, Span<float> logits) => Prefill([token], state, logits);

    /// <summary>Appends <paramref name="tokens"/>; writes the logits after each of them, (T, VocabSize).</summary>
    public void Logits(ReadOnlySpan<int> tokens, DecodeState state, Span<float> logits)
    {
        if (logits.Length != (long)tokens.Length * Config.VocabSize)
        {
            throw new ArgumentException(
                $"There are {logits.Length} places; {tokens.Length} times {Config.VocabSize} logits are to be written.", nameof(logits));
        }
        var all = new float[logits.Length];
        Forward(new SequenceSlice(state, tokens.ToArray()) { Logits = all });
        all.CopyTo(logits);
    }

    /// <summary>Appends <paramref name="tokens"/>; writes for each position i the natural-log probability of <paramref name="targets"/>[i]
    /// after tokens[0..i]. This is what scoring needs, without all the logits.</summary>
    public void LogProbs(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, DecodeState state, Span<double> logProbs)
    {
        if (targets.Length != tokens.Length || logProbs.Length != tokens.Length)
        {
            throw new ArgumentException(
                $"{tokens.Length} tokens need as many targets and places, not {targets.Length} and {logProbs.Length}.", nameof(targets));
        }
        var found = new double[logProbs.Length];
        Forward(new SequenceSlice(state, tokens.ToArray()) { Targets = targets.ToArray(), LogProbs = found });
        found.CopyTo(logProbs);
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
