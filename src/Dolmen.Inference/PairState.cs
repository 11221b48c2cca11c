namespace Dolmen.Inference;

/// <summary>What a decoder with a source remembers: what was computed from the source, which forks share; a state of fixed size; and so
/// many numbers of every target token.</summary>
internal sealed class PairState(int fixedSize, int perToken) : LayerState
{
    private float[] _tokens = [];
    private float[] _start = new float[fixedSize];

    /// <summary>Never written to once it is here.</summary>
    public float[] Source { get; private set; } = [];

    public int SourceLength { get; private set; }

    /// <summary>(fixedSize): states and cells of the layers, the last attentional vector.</summary>
    public float[] Fixed { get; } = new float[fixedSize];

    /// <summary>What the last step looked at, one weight a source token.</summary>
    public float[] Attention { get; set; } = [];

    public int Tokens { get; private set; }

    public override long Bytes => sizeof(float) * ((long)Source.Length + Fixed.Length + _start.Length + _tokens.Length + Attention.Length);

    /// <summary>All tokens' numbers, token by token, with room for one more than before; the array may be longer.</summary>
    public float[] Append()
    {
        Tokens++;
        if (_tokens.Length < Tokens * perToken) Array.Resize(ref _tokens, Math.Max(Tokens, 2 * (Tokens - 1)) * perToken);
        return _tokens;
    }

    /// <summary>Begins a target; <paramref name="start"/> is the fixed part before its first token.</summary>
    public void Begin(float[] source, int length, float[] start)
    {
        (Source, SourceLength, _start, Tokens, Attention) = (source, length, start, 0, []);
        start.CopyTo(Fixed, 0);
    }

    public override LayerState Fork()
    {
        var copy = new PairState(fixedSize, perToken);
        copy.Begin(Source, SourceLength, _start);
        Fixed.CopyTo(copy.Fixed, 0);
        (copy.Tokens, copy._tokens, copy.Attention) = (Tokens, _tokens[..(Tokens * perToken)], Attention);
        return copy;
    }

    public override bool CanTruncate(int length) => fixedSize == 0;

    /// <summary>The source stays: back to 0 is the beginning of the target.</summary>
    public override void Truncate(int length)
    {
        Tokens = length;
        if (length == 0) _start.CopyTo(Fixed, 0);
    }

    public override void Save(Stream stream)
    {
        FloatStream.Write(stream, [SourceLength, Source.Length]);
        FloatStream.Write(stream, Source);
        FloatStream.Write(stream, _start);
        FloatStream.Write(stream, Fixed);
        FloatStream.Write(stream, _tokens.AsSpan(0, Tokens * perToken));
    }

    public override void Load(Stream stream, int length)
    {
        var sizes = new float[2];
        FloatStream.Read(stream, sizes);
        if (!(sizes[0] is >= 0 and <= 1 << 20) || !(sizes[1] is >= 0 and <= 1 << 28))
            throw new Artifacts.UserErrorException(
                $"The saved decoding state says its source has {sizes[0]} tokens and {sizes[1]} numbers: it is damaged. Save it again."
            );
        var (source, start) = (new float[(int)sizes[1]], new float[fixedSize]);
        FloatStream.Read(stream, source);
        FloatStream.Read(stream, start);
        Begin(source, (int)sizes[0], start);
        FloatStream.Read(stream, Fixed);
        for (var i = 0; i < length; i++) FloatStream.Read(stream, Append().AsSpan(i * perToken, perToken));
    }
}
