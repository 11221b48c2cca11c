using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// M tokens of one pass, D model

/// <summary>What decoders share whatever their head: everything up to the last hidden states.</summary>
internal sealed unsafe class DecoderBody : IDisposable
{
    /// <summary>Longer inputs go through in passes of this many tokens: a whole number of register tiles, small enough for the
    /// cache.</summary>
    public const int MaxRows = 288;

    private readonly DecoderConfig _config;
    private readonly DecodeBlock[] _blocks;
    private readonly PackedMatrix? _positions;
    private readonly DecodeNorm _norm;
    private readonly int _outputStride;

    public DecoderBody(DecoderConfig config, WeightSource source, int? threads)
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        _config = config;
        Pass = new DecodePass(Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads));
        var plan = config.Plan();
        DModel = plan.DModel;
        Embedding = source.Matrix(new LinearSpec(plan.Embedding, plan.VocabSize, DModel));
        if (plan.Positions is { } positions) _positions = source.Matrix(new LinearSpec(positions.Name, (int)positions.Shape[0], DModel));
        _blocks = [.. plan.Blocks.Select(block => new DecodeBlock(block, source))];
        _norm = new DecodeNorm(plan.FinalNorm, source);
        _outputStride = _blocks.Max(block => block.OutputStride);
    }

    public int DModel { get; }

    public PackedMatrix Embedding { get; }

    public DecodePass Pass { get; }

    /// <summary>Bytes the weights take in memory.</summary>
    public long WeightBytes => Embedding.Bytes + (_positions?.Bytes ?? 0) + _norm.Bytes + _blocks.Sum(block => block.WeightBytes);

    /// <summary>An empty state. Where no layer grows with the tokens and no positions are learned it takes in any number of them, whatever
    /// <paramref name="capacity"/>.</summary>
    public DecodeState NewState(int capacity, string identity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        var limit = _blocks.Any(block => block.Mixer.Grows) ? capacity : int.MaxValue;
        if (_positions is not null) limit = Math.Min(limit, _positions.Outputs);
        return new DecodeState([.. _blocks.Select(block => block.Mixer.NewState(limit))], limit, identity);
    }

    /// <summary>Takes in at most <see cref="MaxRows"/> tokens; leaves the last block's output in the stream, (M, D).</summary>
    public void Forward(ReadOnlySpan<int> tokens, DecodeState state)
    {
        int m = tokens.Length, position = state.Length;
        var stream = Pass.Floats(Scratch.Stream, (long)m * DModel);
        var normed = Pass.Floats(Scratch.Normed, (long)m * DModel);
        var output = Pass.Floats(Scratch.Output, (long)m * _outputStride);
        for (var i = 0; i < m; i++)
        {
            var row = stream + (long)i * DModel;
            Embedding.CopyRow(tokens[i], row);                          // (D)
            if (_positions is null) continue;
            _positions.CopyRow(position + i, normed);
            VectorMath.Add(row, normed, DModel);
        }
        for (var i = 0; i < _blocks.Length; i++) _blocks[i].Forward(stream, m, position, state.Layers[i], normed, output, Pass);
        state.Advance(m);
    }

    /// <summary>The last hidden states of rows <paramref name="first"/> onwards of the stream, (<paramref name="count"/>, D): what a head
    /// reads.</summary>
    public float* LastHidden(int first, int count)
    {
        var stream = Pass.Floats(Scratch.Stream, 0);
        var normed = Pass.Floats(Scratch.Normed, (long)count * DModel);
        for (var i = 0; i < count; i++) _norm.Forward(stream + (long)(first + i) * DModel, normed + (long)i * DModel);
        return normed;
    }

    /// <summary>Appends <paramref name="tokens"/>; writes the last hidden state of each, (T, D).</summary>
    public void LastHiddenStates(ReadOnlySpan<int> tokens, DecodeState state, Span<float> states)
    {
        if (states.Length != (long)tokens.Length * DModel)
        {
            throw new ArgumentException(
                $"There are {states.Length} places; {tokens.Length} hidden states of {DModel} are to be written.", nameof(states));
        }
        Pass.SequenceLength = state.Length + tokens.Length;
        for (var done = 0; done < tokens.Length; done += MaxRows)
        {
            var rows = Math.Min(MaxRows, tokens.Length - done);
            Forward(tokens.Slice(done, rows), state);
            new ReadOnlySpan<float>(LastHidden(0, rows), rows * DModel).CopyTo(states[(done * DModel)..]);
        }
    }

    public void Check(ReadOnlySpan<int> tokens, DecodeState state, string identity)
    {
        if (tokens.IsEmpty) throw new ArgumentException("At least one token is needed.", nameof(tokens));
        if (state.Model != identity) throw new ArgumentException("The state was made by another model.", nameof(state));
        if (tokens.Length > state.Capacity - state.Length)
        {
            throw new ArgumentException($"{tokens.Length} tokens do not fit: the state holds {state.Length} of {state.Capacity}.",
                nameof(tokens));
        }
        CheckIds(tokens, nameof(tokens));
    }

    public void CheckIds(ReadOnlySpan<int> ids, string name)
    {
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)_config.VocabSize)
            {
                throw new ArgumentOutOfRangeException(name, id, $"The vocabulary has {_config.VocabSize} tokens.");
            }
        }
    }

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
        Embedding.Dispose();
        _positions?.Dispose();
        _norm.Dispose();
        Pass.Dispose();
    }
}
