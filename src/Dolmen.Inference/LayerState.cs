namespace Dolmen.Inference;

/// <summary>What one layer remembers of a sequence. Starts empty.</summary>
public abstract class LayerState : IDisposable
{
    /// <summary>Memory it takes now.</summary>
    public abstract long Bytes { get; }

    /// <summary>Memory that the next token takes because what it is written to is shared with a copy.</summary>
    internal virtual long SharedEndBytes => 0;

    /// <summary>A copy that continues on its own.</summary>
    public abstract LayerState Fork();

    /// <summary>Whether it still knows what it was after <paramref name="length"/> tokens. Asked for fewer than it holds, and more than
    /// none.</summary>
    public abstract bool CanTruncate(int length);

    /// <summary>Back to <paramref name="length"/> tokens, which <see cref="CanTruncate"/> allowed, or to 0, which is always
    /// possible.</summary>
    public abstract void Truncate(int length);

    /// <summary>Writes its numbers and nothing else, little-endian, as they are kept: 4 bytes for each that
    /// <see cref="Checkpoints.MixerSpec"/> counts, or codes with their scales.</summary>
    public abstract void Save(Stream stream);

    /// <summary>Reads what an equal layer saved after <paramref name="length"/> tokens. Only called on an empty one.</summary>
    /// <exception cref="EndOfStreamException">Too little to read.</exception>
    public abstract void Load(Stream stream, int length);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
