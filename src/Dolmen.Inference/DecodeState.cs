namespace Dolmen.Inference;

/// <summary>What a model remembers of a sequence: a KV cache, a recurrent state, or both. Belongs to the model that made it.</summary>
public abstract class DecodeState
{
    /// <summary>Tokens taken in so far.</summary>
    public int Length { get; protected internal set; }

    public abstract int Capacity { get; }

    public abstract long Bytes { get; }

    /// <summary>A copy that continues on its own: the shared prefix of several continuations is computed once.</summary>
    public abstract DecodeState Fork();

    /// <summary>Forgets everything after the first <paramref name="length"/> tokens. A recurrent state cannot and throws
    /// <see cref="NotSupportedException"/>.</summary>
    public abstract void Truncate(int length);
}
