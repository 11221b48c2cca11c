using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Languages;

/// <summary>Reads a fastText model's little-endian fields; every length is held against what the file still has, so that a lying one
/// costs a message instead of memory.</summary>
internal sealed class FastTextReader(Stream stream, string path)
{
    /// <summary>Longest word or label: fastText's own have no bound, but a word beyond this is a broken file.</summary>
    private const int MaxWordBytes = 1 << 16;
    private readonly byte[] _field = new byte[8];
    private readonly ArrayBufferWriter<byte> _word = new();

    public UserErrorException Broken(string what) =>
        new(
            $"{path} is not a fastText model that can be used: {what}. Give a supervised .bin or .ftz file as fastText 0.9 writes it, such "
                + $"as lid.176.ftz, and check that it was copied whole."
        );

    public byte Byte(string what) => Read(1, what)[0];

    public bool Flag(string what) => Byte(what) switch
    {
        0 => false,
        1 => true,
        var other => throw Broken($"{what} is {other}, which must be 0 or 1"),
    };

    public int Int(string what) => BinaryPrimitives.ReadInt32LittleEndian(Read(4, what));

    public int Int(string what, int min, int max) => (int)Within(Int(what), what, min, max);

    public long Long(string what) => BinaryPrimitives.ReadInt64LittleEndian(Read(8, what));

    public long Long(string what, long min, long max) => Within(Long(what), what, min, max);

    /// <summary>Bytes up to the NUL that ends a word.</summary>
    public byte[] Word(string what)
    {
        _word.ResetWrittenCount();
        byte next;
        while ((next = Byte(what)) != 0)
        {
            if (_word.WrittenCount == MaxWordBytes) throw Broken($"{what} is longer than {MaxWordBytes} bytes");
            _word.Write([next]);
        }
        return _word.WrittenSpan.ToArray();
    }

    public byte[] Bytes(long count, string what)
    {
        Demand(count, what);
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public float[] Floats(long count, string what)
    {
        Demand(count * sizeof(float), what);
        var values = new float[count];
        Floats(values, what);
        return values;
    }

    /// <summary>Fills <paramref name="values"/>, whose bytes the caller has made sure of.</summary>
    public void Floats(Span<float> values, string what)
    {
        stream.ReadExactly(MemoryMarshal.AsBytes(values));
        foreach (var value in values)
            if (!float.IsFinite(value)) throw Broken($"{what} hold {value}, which is not a number");
    }

    public void Demand(long bytes, string what)
    {
        var left = stream.Length - stream.Position;
        if (bytes < 0 || bytes > left) throw Broken($"{what} take {bytes:N0} bytes but the file has {left:N0} left");
        if (bytes > Array.MaxLength) throw Broken($"{what} take {bytes:N0} bytes, more than {Array.MaxLength:N0}");
    }

    public void End()
    {
        if (stream.Position != stream.Length) throw Broken($"{stream.Length - stream.Position:N0} bytes follow its end");
    }

    private ReadOnlySpan<byte> Read(int count, string what)
    {
        var field = _field.AsSpan(0, count);
        if (stream.ReadAtLeast(field, count, throwOnEndOfStream: false) < count) throw Broken($"it ends within {what}");
        return field;
    }

    private long Within(long value, string what, long min, long max) =>
        value >= min && value <= max ? value : throw Broken($"{what} is {value}, which must be from {min} to {max}");
}
