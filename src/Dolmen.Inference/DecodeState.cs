using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Inference;

/// <summary>What a model remembers of a sequence, layer by layer: KV caches, recurrent states or a mixture of them. Belongs to the model
/// that made it.</summary>
public sealed class DecodeState : IDisposable
{
    private const uint Magic = 0x544D4C44;                              // "DLMT" in a file
    private const uint Version = 1;
    private const int HeaderBytes = 4 + 4 + 32 + 8;

    /// <param name="capacity">Tokens that may be taken in; <see cref="int.MaxValue"/> where nothing grows with them.</param>
    /// <param name="model">Says which model the state belongs to; only that model's saved states can be loaded.</param>
    public DecodeState(IReadOnlyList<LayerState> layers, int capacity, string model = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        (Layers, Capacity, Model) = (layers, capacity, model);
    }

    public IReadOnlyList<LayerState> Layers { get; }

    /// <summary>Which model it belongs to.</summary>
    public string Model { get; }

    /// <summary>Tokens taken in so far.</summary>
    public int Length { get; private set; }

    public int Capacity { get; }

    /// <summary>Memory it takes now, what padding and room for growth add included.</summary>
    public long Bytes => Layers.Sum(layer => layer.Bytes);

    internal long SharedEndBytes => Layers.Sum(layer => layer.SharedEndBytes);

    /// <summary>Whether <see cref="Truncate"/> can go back to <paramref name="length"/> tokens. Recurrent layers can only go back to
    /// nothing, sliding windows as far as they still hold what is visible there.</summary>
    public bool CanTruncate(int length) => length == 0 || length == Length || Layers.All(layer => layer.CanTruncate(length));

    /// <summary>Whether the state can be taken back to what it holds now, after it has taken in
    /// <see cref="Speculation.MostDrafts"/> tokens more.</summary>
    internal bool CanGoBack => Layers.All(layer => layer.CanTruncate(Length));

    /// <summary>Called by the model when every layer has taken in <paramref name="tokens"/> more.</summary>
    public void Advance(int tokens) => Length += tokens;

    /// <summary>A copy that continues on its own: the shared prefix of several continuations is computed once.</summary>
    public DecodeState Fork() => new([.. Layers.Select(layer => layer.Fork())], Capacity, Model) { Length = Length };

    /// <summary>Forgets everything after the first <paramref name="length"/> tokens.</summary>
    /// <exception cref="NotSupportedException">A layer cannot: see <see cref="CanTruncate"/>. Nothing has changed then.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        if (length == Length) return;
        if (!CanTruncate(length))
        {
            throw new NotSupportedException(
                $"The state holds {Length} tokens and cannot go back to {length}: a recurrent layer or a sliding window has forgotten what "
                    + "it was then. Fork the state before going on, or truncate it to 0 and compute the prefix again."
            );
        }
        foreach (var layer in Layers) layer.Truncate(length);
        Length = length;
    }

    /// <summary>Writes what <see cref="Load"/> reads: a header, then every layer's numbers, little-endian and without padding.</summary>
    public void Save(Stream stream)
    {
        var header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), Version);
        Identity().CopyTo(header, 8);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(40), Length);
        stream.Write(header);
        foreach (var layer in Layers) layer.Save(stream);
    }

    /// <summary>Becomes what was saved. Reads exactly that from the stream; after an error the state is empty.</summary>
    /// <exception cref="UserErrorException">No saved state, one of another model, longer than the capacity, or cut off.</exception>
    public void Load(Stream stream)
    {
        Truncate(0);
        try
        {
            var header = new byte[HeaderBytes];
            stream.ReadExactly(header);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic)
            {
                throw new UserErrorException("The file is not a saved decoding state: its first bytes are not DLMT.");
            }
            var version = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
            if (version != Version)
            {
                throw new UserErrorException(
                    $"The saved decoding state has format {version}; this program reads {Version}. Save it again.");
            }
            if (!header.AsSpan(8, 32).SequenceEqual(Identity()))
            {
                throw new UserErrorException("The saved decoding state belongs to another model: other sizes, other weights or another " +
                    "precision. Load it with the model that saved it.");
            }
            var length = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(40));
            if (length < 0 || length > Capacity)
            {
                throw new UserErrorException($"The saved decoding state says it holds {length} tokens; this one has room for {Capacity}. " +
                    "Ask for a state with more room, or save it again if the number is wrong.");
            }
            foreach (var layer in Layers) layer.Load(stream, (int)length);
            Length = (int)length;
        }
        catch (Exception error)
        {
            foreach (var layer in Layers) layer.Truncate(0);
            if (error is not EndOfStreamException) throw;
            throw new UserErrorException("The saved decoding state is cut off: the file ends before its last layer. Save it again.", error);
        }
    }

    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }

    private byte[] Identity() => SHA256.HashData(Encoding.UTF8.GetBytes(Model));
}
