using System.Buffers.Binary;
using Dolmen.Checkpoints;

namespace Dolmen.Inference.Mixers;

/// <summary>The tokens that a sequence has taken in, with their matches where these are looked up: all of them, so that it can go back to
/// any of its lengths.</summary>
internal sealed class TokenHistory : LayerState
{
    private const int LeastRoom = 16;

    private readonly StateMemory _memory;
    private int[] _tokens;
    private TokenMatch[]? _matches;
    private int _count;

    public TokenHistory(StateMemory memory, bool withMatches, int room = LeastRoom)
    {
        (_memory, _tokens, _matches) = (memory, new int[room], withMatches ? new TokenMatch[room] : null);
        memory.Add(Bytes);
    }

    public override long Bytes => (long)sizeof(int) * (_tokens.Length + 2 * (_matches?.Length ?? 0));

    /// <param name="position">How many tokens there were before.</param>
    public void Append(ReadOnlySpan<int> tokens, int position)
    {
        if (position != _count) throw new InvalidOperationException($"{_count} tokens are known, and those after {position} are added.");
        if (_count + tokens.Length > _tokens.Length) Grow(_count + tokens.Length);
        tokens.CopyTo(_tokens.AsSpan(_count));
        _count += tokens.Length;
        if (_matches is null) return;
        for (var i = position; i < _count; i++) _matches[i] = TokenMatch.Find(Until(i));
    }

    /// <summary>The tokens up to and with the one at <paramref name="position"/>, as many as there is room for, the oldest first.</summary>
    public void Last(int position, Span<int> tokens)
    {
        for (var back = 0; back < tokens.Length; back++)
            tokens[tokens.Length - 1 - back] = position >= back ? _tokens[position - back] : NgramTableSpec.Nothing;
    }

    /// <summary>All tokens up to and with the one at <paramref name="position"/>.</summary>
    public ReadOnlySpan<int> Until(int position) => _tokens.AsSpan(0, position + 1);

    /// <summary>The matches of those tokens.</summary>
    public ReadOnlySpan<TokenMatch> MatchesUntil(int position) => _matches.AsSpan(0, position + 1);

    public override LayerState Fork()
    {
        var copy = new TokenHistory(_memory, _matches is not null, Math.Max(LeastRoom, _count)) { _count = _count };
        _tokens.AsSpan(0, _count).CopyTo(copy._tokens);
        _matches.AsSpan(0, _matches is null ? 0 : _count).CopyTo(copy._matches);
        return copy;
    }

    public override bool CanTruncate(int length) => true;

    public override void Truncate(int length) => _count = length;

    public override void Save(Stream stream)
    {
        for (var i = 0; i < _count; i++)
        {
            Write(stream, _tokens[i]);
            if (_matches is null) continue;
            Write(stream, _matches[i].End);
            Write(stream, _matches[i].Length);
        }
    }

    public override void Load(Stream stream, int length)
    {
        for (var i = 0; i < length; i++)
        {
            Append([Read(stream)], i);
            if (_matches is not null && _matches[i] != new TokenMatch(Read(stream), Read(stream)))
                throw new InvalidDataException($"The state is damaged: the match of its token {i} is not one of its text.");
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing || _tokens.Length == 0) return;
        _memory.Add(-Bytes);
        (_tokens, _matches, _count) = ([], null, 0);
    }

    private static void Write(Stream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static int Read(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    private void Grow(int least)
    {
        var before = Bytes;
        Array.Resize(ref _tokens, Math.Max(least, 2 * _tokens.Length));
        if (_matches is not null) Array.Resize(ref _matches, _tokens.Length);
        _memory.Add(Bytes - before);
    }
}
