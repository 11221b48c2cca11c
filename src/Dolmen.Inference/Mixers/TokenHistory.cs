using System.Buffers.Binary;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Mixers;

/// <summary>The tokens that a sequence has taken in: all of them, so that it can go back to any of its lengths.</summary>
internal sealed class TokenHistory : LayerState
{
    private const int LeastRoom = 16;

    private readonly StateMemory _memory;
    private int[] _tokens;
    private int _count;

    public TokenHistory(StateMemory memory, int room = LeastRoom)
    {
        (_memory, _tokens) = (memory, new int[room]);
        memory.Add(Bytes);
    }

    public override long Bytes => (long)sizeof(int) * _tokens.Length;

    /// <param name="position">How many tokens there were before.</param>
    public void Append(ReadOnlySpan<int> tokens, int position)
    {
        if (position != _count) throw new InvalidOperationException($"{_count} tokens are known, and those after {position} are added.");
        if (_count + tokens.Length > _tokens.Length) Grow(_count + tokens.Length);
        tokens.CopyTo(_tokens.AsSpan(_count));
        _count += tokens.Length;
    }

    /// <summary>The tokens up to and with the one at <paramref name="position"/>, as many as there is room for, the oldest first.</summary>
    public void Last(int position, Span<int> tokens)
    {
        for (var back = 0; back < tokens.Length; back++)
            tokens[tokens.Length - 1 - back] = position >= back ? _tokens[position - back] : NgramTableSpec.Nothing;
    }

    /// <summary>All tokens up to and with the one at <paramref name="position"/>.</summary>
    public ReadOnlySpan<int> Until(int position) => _tokens.AsSpan(0, position + 1);

    public override LayerState Fork()
    {
        var copy = new TokenHistory(_memory, Math.Max(LeastRoom, _count)) { _count = _count };
        _tokens.AsSpan(0, _count).CopyTo(copy._tokens);
        return copy;
    }

    public override bool CanTruncate(int length) => true;

    public override void Truncate(int length) => _count = length;

    public override void Save(Stream stream)
    {
        var bytes = new byte[sizeof(int)];
        foreach (var token in _tokens.AsSpan(0, _count))
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes, token);
            stream.Write(bytes);
        }
    }

    public override void Load(Stream stream, int length)
    {
        var bytes = new byte[sizeof(int)];
        for (var i = 0; i < length; i++)
        {
            stream.ReadExactly(bytes);
            Append([BinaryPrimitives.ReadInt32LittleEndian(bytes)], i);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing || _tokens.Length == 0) return;
        _memory.Add(-Bytes);
        _tokens = [];
        _count = 0;
    }

    private void Grow(int least)
    {
        var before = Bytes;
        Array.Resize(ref _tokens, Math.Max(least, 2 * _tokens.Length));
        _memory.Add(Bytes - before);
    }
}
