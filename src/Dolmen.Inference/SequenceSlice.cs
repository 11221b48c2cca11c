namespace Dolmen.Inference;

// n of the last tokens, V vocab, D model

/// <summary>What one sequence adds to a pass: the tokens that its state is to take in, and where results for the last of them go. Each kind
/// of result has its own number n of tokens, which follows from the size of its destination; an empty one asks for nothing.</summary>
/// <param name="State">Takes in the tokens. A pass may name a state only once.</param>
/// <param name="Tokens">At least one.</param>
public readonly record struct SequenceSlice(DecodeState State, ReadOnlyMemory<int> Tokens)
{
    /// <summary>Gets the logits after each of the last n tokens, (n, V).</summary>
    public Memory<float> Logits { get; init; }

    /// <summary>The tokens whose log-probabilities are asked for: the i-th of them after the i-th of the last n tokens, (n).</summary>
    public ReadOnlyMemory<int> Targets { get; init; }

    /// <summary>Gets the natural-log probabilities of <see cref="Targets"/>, (n).</summary>
    public Memory<double> LogProbs { get; init; }

    /// <summary>Gets what the head reads after each of the last n tokens, (n, D). Only decoders have it.</summary>
    public Memory<float> HiddenStates { get; init; }

    /// <summary>Tokens that the sequence holds when the prompt is complete that these tokens are a part of; 0 where they are all of it.
    /// Only models whose rotary positions are scaled by the sequence's length look at it: it makes a prompt that is computed in parts the
    /// same as one that is computed at once.</summary>
    public int PromptEnd { get; init; }

    internal int SequenceLength => Math.Max(PromptEnd, State.Length + Tokens.Length);

    /// <summary>What holds of every model's batch: there are tokens, they are of the vocabulary and have room, and every destination has
    /// whole rows of tokens that are there.</summary>
    /// <param name="identity">That of the model's own states.</param>
    /// <param name="dModel">Of a row of hidden states; 0 where there are none.</param>
    internal static void Check(ReadOnlySpan<SequenceSlice> batch, string identity, int vocabSize, int dModel)
    {
        var seen = batch.Length > 1 ? new HashSet<DecodeState>(batch.Length) : null;
        foreach (var slice in batch)
        {
            var (state, count) = (slice.State, slice.Tokens.Length);
            if (count == 0) throw new ArgumentException("At least one token is needed.", nameof(batch));
            if (state.Model != identity) throw new ArgumentException("The state was made by another model.", nameof(batch));
            if (seen?.Add(state) == false) throw new ArgumentException("A state is named twice in one pass.", nameof(batch));
            if (count > state.Capacity - state.Length)
            {
                throw new ArgumentException(
                    $"{count} tokens do not fit: the state holds {state.Length} of {state.Capacity}.", nameof(batch));
            }
            CheckIds(slice.Tokens.Span, vocabSize);
            CheckIds(slice.Targets.Span, vocabSize);
            if (slice.Targets.Length != slice.LogProbs.Length)
            {
                throw new ArgumentException(
                    $"{slice.Targets.Length} targets need as many places, not {slice.LogProbs.Length}.", nameof(batch));
            }
            CheckRows(slice.Logits.Length, vocabSize, count);
            CheckRows(slice.LogProbs.Length, 1, count);
            CheckRows(slice.HiddenStates.Length, dModel, count);
        }
    }

    private static void CheckRows(int places, int width, int tokens)
    {
        if (places == 0 || (width > 0 && places % width == 0 && places / width <= tokens)) return;
        throw new ArgumentException($"There are {places} places for results of {width} numbers each after at most {tokens} tokens.");
    }

    private static void CheckIds(ReadOnlySpan<int> ids, int vocabSize)
    {
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)vocabSize)
                throw new ArgumentOutOfRangeException(nameof(ids), id, $"The vocabulary has {vocabSize} tokens.");
        }
    }
}
