using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Dolmen.Tables;

/// <summary>
/// Bounds what a Parquet file's footer says of the least and the greatest value of its columns. The writer puts whole values there, and
/// the texts of a corpus would fill the footer. A long least value is cut, a long greatest value is cut and raised, both at the border of
/// a character, and both are marked as inexact: a reader that skips row groups by them still reads all that it must.
/// </summary>
public ref struct BoundedStatistics
{
    /// <summary>The longest least or greatest value that is written whole.</summary>
    public const int MaxBytes = 64;

    private const int TailBytes = 8;

    // Fields of the structure Statistics. The first two are of an older version and have no mark for inexact values.
    private const int OldMax = 1, OldMin = 2, Max = 5, Min = 6, MaxIsExact = 7, MinIsExact = 8;

    private readonly ReadOnlySpan<byte> _footer;
    private readonly ArrayBufferWriter<byte> _output;
    private int _at;

    private BoundedStatistics(ReadOnlySpan<byte> footer)
    {
        _footer = footer;
        _output = new ArrayBufferWriter<byte>(footer.Length);
    }

    /// <summary>Writes the footer of a finished file anew.</summary>
    public static void Apply(Stream file)
    {
        var start = ParquetFooter.Check(file);
        var footer = new byte[file.Length - TailBytes - start];
        file.Position = start;
        file.ReadExactly(footer);
        var copy = new BoundedStatistics(footer);
        copy.Struct("FileMetaData");
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, copy._output.WrittenCount);
        file.Position = start;
        file.Write(copy._output.WrittenSpan);
        file.Write(length);
        file.Write("PAR1"u8);
        file.SetLength(file.Position);
    }

    /// <param name="structure">Its name in <see cref="ThriftShapes"/>; null for one that is not known there, which is copied.</param>
    private void Struct(string? structure)
    {
        if (structure == "Statistics")
        {
            Statistics();
            return;
        }
        var fields = structure is null ? [] : ThriftShapes.Of(structure);
        for (var last = 0; ;)
        {
            var from = _at;
            var head = FieldHead(ref last);
            _output.Write(_footer[from.._at]);
            if (head == ThriftType.Stop) return;
            Value(head, last > 0 && last < fields.Length ? fields[last]?.Struct : null);
        }
    }

    private void Value(ThriftType type, string? structure)
    {
        var from = _at;
        if (type == ThriftType.Struct)
        {
            Struct(structure);
        }
        else if (type is ThriftType.List or ThriftType.Set)
        {
            var head = _footer[_at++];
            var count = head >> 4 == 15 ? Varint() : (ulong)(head >> 4);
            _output.Write(_footer[from.._at]);
            for (ulong i = 0; i < count; i++) Value((ThriftType)(head & 15), structure);
        }
        else
        {
            Plain(type);
            _output.Write(_footer[from.._at]);
        }
    }

    private void Statistics()
    {
        var fields = new (ThriftType Type, byte[] Value)[16];
        for (var last = 0; FieldHead(ref last) is not ThriftType.Stop and var type;)
        {
            var value = Plain(type).ToArray();
            if (last is > 0 and < 16) fields[last] = (type, value);
        }
        foreach (var old in (ReadOnlySpan<int>)[OldMax, OldMin])
            if (fields[old].Type == ThriftType.Binary && fields[old].Value.Length > MaxBytes) fields[old] = default;
        Bound(fields, Min, MinIsExact, Cut);
        Bound(fields, Max, MaxIsExact, value => Raised(Cut(value)));
        Write(fields);
    }

    private static void Bound((ThriftType Type, byte[] Value)[] fields, int field, int exact, Func<byte[], byte[]?> bounded)
    {
        if (fields[field].Type != ThriftType.Binary || fields[field].Value.Length <= MaxBytes) return;
        var value = bounded(fields[field].Value);
        fields[field] = value is null ? default : (ThriftType.Binary, value);
        fields[exact] = value is null ? default : (ThriftType.False, []);
    }

    /// <returns>Null where the value is not text.</returns>
    private static byte[]? Cut(byte[] value)
    {
        var to = MaxBytes;
        while (to > 0 && (value[to] & 0xC0) == 0x80) to--;
        return Utf8.IsValid(value.AsSpan(0, to)) ? value[..to] : null;
    }

    /// <returns>The least text of at most so many characters that is greater than all that begin with this one; null where there is
    /// none.</returns>
    private static byte[]? Raised(byte[]? cut)
    {
        for (var left = cut.AsSpan(); !left.IsEmpty;)
        {
            Rune.DecodeLastFromUtf8(left, out var last, out var length);
            left = left[..^length];
            if (last.Value == 0x10FFFF) continue;
            var next = new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1);
            var raised = new byte[left.Length + next.Utf8SequenceLength];
            left.CopyTo(raised);
            next.EncodeToUtf8(raised.AsSpan(left.Length));
            return raised;
        }
        return null;
    }

    private readonly void Write(ReadOnlySpan<(ThriftType Type, byte[] Value)> fields)
    {
        var last = 0;
        for (var i = 1; i < fields.Length; i++)
        {
            var (type, value) = fields[i];
            if (type == ThriftType.Stop) continue;
            // A step of less than 16 fits the head's upper half.
            _output.Write([(byte)((i - last) << 4 | (int)type)]);
            last = i;
            if (type == ThriftType.Binary) WriteVarint((uint)value.Length);
            _output.Write(value);
        }
        _output.Write([(byte)ThriftType.Stop]);
    }

    private readonly void WriteVarint(uint value)
    {
        for (; value >= 0x80; value >>= 7) _output.Write([(byte)(value | 0x80)]);
        _output.Write([(byte)value]);
    }

    private ThriftType FieldHead(ref int last)
    {
        var head = _footer[_at++];
        if (head == 0) return ThriftType.Stop;
        if (head >> 4 == 0)
        {
            var zigzag = Varint();
            last = (int)(zigzag >> 1) ^ -(int)(zigzag & 1);
        }
        else
        {
            last += head >> 4;
        }
        return (ThriftType)(head & 15);
    }

    /// <returns>The bytes of the value; of a text without its length.</returns>
    private ReadOnlySpan<byte> Plain(ThriftType type)
    {
        var from = _at;
        switch (type)
        {
            case ThriftType.True or ThriftType.False: break;
            case ThriftType.Byte: _at++; break;
            case ThriftType.I16 or ThriftType.I32 or ThriftType.I64: Varint(); break;
            case ThriftType.Double: _at += 8; break;
            case ThriftType.Binary:
                var length = (int)Varint();
                from = _at;
                _at += length;
                break;
            default: throw new InvalidDataException($"The footer has a value of type {type}.");
        }
        return _footer[from.._at];
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var one = _footer[_at++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80) return value;
        }
    }
}
