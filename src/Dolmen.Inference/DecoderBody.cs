using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;
using Dolmen.Inference.Mixers;

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
    private readonly WeightMatrix? _positions;
    private readonly TokenLookUps? _lookUps;
    private readonly int _rememberedPerToken;
    private readonly DecodeNorm _norm;
    private readonly int _outputStride;
    private readonly StateMemory _memory = new();
    private readonly WeightSource _weights;

    public DecoderBody(DecoderConfig config, WeightSource source, int? threads)
    {
        if (config.Problems() is { Count: > 0 } problems) throw new ArgumentException(string.Join(" ", problems), nameof(config));
        (_config, _weights) = (config, source);
        Pass = new DecodePass(Math.Clamp(threads ?? ThreadTeam.Shared.Threads, 1, ThreadTeam.Shared.Threads));
        var plan = config.Plan();
        DModel = plan.DModel;
        Embedding = source.Matrix(new LinearSpec(plan.Embedding, plan.VocabSize, DModel), MatrixRole.Table);
        if (plan.Positions is { } positions) _positions =
            source.Matrix(new LinearSpec(positions.Name, (int)positions.Shape[0], DModel), MatrixRole.Table);
        _rememberedPerToken = plan.BytesRememberedPerToken;
        if (plan.ReadsTokensBefore) _lookUps = new TokenLookUps(plan, Embedding, source);
        _blocks = [.. plan.Blocks.Select(block => new DecodeBlock(block, source))];
        DependsOnLength = plan.Blocks.Any(block => block.Mixer is AttentionSpec { Position: RotaryPosition position }
            && position.TableOf(int.MaxValue) != 0);
        _norm = new DecodeNorm(plan.FinalNorm, source);
        _outputStride = _blocks.Max(block => block.OutputStride);
    }

    /// <summary>Which model states belong to.</summary>
    public string Identity { get; private set; } = "";

    public int DModel { get; }

    public WeightMatrix Embedding { get; }

    public DecodePass Pass { get; }

    /// <summary>Whether a layer's rotary positions are scaled by the sequence's length.</summary>
    public bool DependsOnLength { get; }

    /// <summary>Memory of the state of one sequence.</summary>
    public long StateBytesOf(int tokens) =>
        _blocks.Sum(block => block.Mixer.StateBytes(tokens)) + _rememberedPerToken * (long)tokens;

    /// <summary>Memory of all states that are alive.</summary>
    public long StateBytes => _memory.Bytes;

    /// <summary>Bytes the weights take in memory.</summary>
    public long WeightBytes =>
        Embedding.Bytes + (_positions?.Bytes ?? 0) + (_lookUps?.Bytes ?? 0) + _norm.Bytes + _blocks.Sum(block => block.WeightBytes);

    /// <summary>The head has its weights too: nothing more is read.</summary>
    public void Complete()
    {
        _weights.Complete();
        Identity = $"{_config} {_weights.Fingerprint}";
    }

    public void Reload(Func<string, ReadOnlyMemory<float>> weights)
    {
        _weights.Reload(weights);
        Identity = $"{_config} {_weights.Fingerprint}";
    }

    /// <summary>An empty state. Where no layer grows with the tokens and no positions are learned it takes in any number of them, whatever
    /// <paramref name="capacity"/>.</summary>
    public DecodeState NewState(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        var limit = _lookUps is not null || _blocks.Any(block => block.Mixer.Grows) ? capacity : int.MaxValue;
        if (_positions is not null) limit = Math.Min(limit, _positions.Outputs);
        List<LayerState> layers = [.. _blocks.Select(block => block.Mixer.NewState(_memory))];
        if (_lookUps is not null) layers.Add(_lookUps.NewState(_memory));
        return new DecodeState(layers, limit, Identity);
    }

    /// <summary>Takes in the slices' tokens in passes of at most <see cref="MaxRows"/> rows; calls <paramref name="written"/> after each
    /// while the last block's output is in the stream, (M, D).</summary>
    public void Forward(ReadOnlySpan<SequenceSlice> batch, Action<PassRows> written)
    {
        foreach (var rows in PassRows.Of(batch.ToArray(), MaxRows))
        {
            Forward(rows);
            foreach (var piece in rows.Pieces) piece.State.Advance(piece.Count);
            written(rows);
        }
    }

    /// <summary>The last hidden states of some rows of the stream, (count, D): what a head reads.</summary>
    public float* LastHidden(IReadOnlyList<int> rows)
    {
        var stream = Pass.Floats(Scratch.Stream, 0);
        var normed = Pass.Floats(Scratch.Normed, (long)rows.Count * DModel);
        for (var i = 0; i < rows.Count; i++) _norm.Forward(stream + (long)rows[i] * DModel, normed + (long)i * DModel);
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
        var all = new float[states.Length];
        var slice = new SequenceSlice(state, tokens.ToArray());
        SequenceSlice.Check([slice], Identity, _config.VocabSize, DModel);
        Forward([slice], rows =>
        {
            var hidden = LastHidden([.. Enumerable.Range(0, rows.Count)]);
            new ReadOnlySpan<float>(hidden, rows.Count * DModel).CopyTo(all.AsSpan(rows.Pieces[0].Done * DModel));
        });
        all.CopyTo(states);
    }

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
        Embedding.Dispose();
        _positions?.Dispose();
        _lookUps?.Dispose();
        _norm.Dispose();
        Pass.Dispose();
        _weights.Dispose();
    }

    private void Forward(PassRows rows)
    {
        var m = rows.Count;
        var stream = Pass.Floats(Scratch.Stream, (long)m * DModel);
        var normed = Pass.Floats(Scratch.Normed, (long)m * DModel);
        var output = Pass.Floats(Scratch.Output, (long)m * _outputStride);
        foreach (var piece in rows.Pieces)
        {
            for (var i = 0; i < piece.Count; i++)
            {
                var row = stream + (long)(piece.Row + i) * DModel;
                Embedding.CopyRow(piece.Tokens.Span[i], row);           // (D)
                if (_positions is null) continue;
                _positions.CopyRow(piece.Position + i, normed);
                VectorMath.Add(row, normed, DModel);
            }
        }
        _lookUps?.Add(rows, stream, normed, output);
        for (var i = 0; i < _blocks.Length; i++) _blocks[i].Forward(stream, rows, i, normed, output, Pass);
    }
}
