using System.Buffers.Binary;

namespace Dolmen.Tables;

/// <param name="field">0 where a structure begins.</param>
internal delegate void ThriftNumber(string structure, int field, long value);

/// <summary>Goes through a structure in Thrift's compact protocol and checks that it is what it must be and ends where its bytes do: a
/// reader that believes a damaged count, or reads on behind the end, allocates gigabytes or never comes back.</summary>
internal ref struct ThriftWalk(ReadOnlySpan<byte> bytes, ThriftNumber number)
{
    private const int MaxDepth = 16;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _depth;

    /// <summary>Bytes gone through.</summary>
    public int At { get; private set; }

    /// <exception cref="EndOfStreamException">The structure goes on behind the bytes.</exception>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public void Struct(string structure)
    {
        if (++_depth > MaxDepth) throw new InvalidDataException("Its metadata is nested too deep.");
        number(structure, 0, 0);
        var fields = ThriftShapes.Of(structure);
        for (var last = 0; ;)
        {
            var head = Byte();
            if (head == 0) break;
            last = (short)(head >> 4 == 0 ? (short)ZigZag(32) : last + (head >> 4));
            var type = (ThriftType)(head & 15);
            if (last > 0 && last < fields.Length && fields[last] is { } field) Known(structure, last, type, field);
            else Unknown(type);
        }
        _depth--;
    }

    private void Known(string structure, int id, ThriftType type, ThriftField field)
    {
        var wire = type;
        if (type == ThriftType.False) type = ThriftType.True;
        if (type != field.Type) throw new InvalidDataException($"Field {id} of its {structure} is {type} and must be {field.Type}.");
        if (type == ThriftType.Struct)
        {
            Struct(field.Struct!);
        }
        else if (type == ThriftType.List)
        {
            var count = ListCount(out var element);
            if (count > 0 && element != field.Element)
                throw new InvalidDataException($"Field {id} of its {structure} lists {element} and must list {field.Element}.");
            for (var i = 0; i < count; i++)
            {
                if (element == ThriftType.Struct) Struct(field.Struct!);
                else Plain(element);
            }
        }
        else
        {
            var value = Plain(wire);
            if (type is ThriftType.I32 or ThriftType.I64 or ThriftType.True) number(structure, id, value);
        }
    }

    // A field of a later version of the format. The reader behind this one steps over values, and not into structures.
    private void Unknown(ThriftType type)
    {
        if (type == ThriftType.List)
        {
            var count = ListCount(out var element);
            if (element is ThriftType.True or ThriftType.False or ThriftType.List)
                throw new InvalidDataException($"Its metadata has an unknown list of {element}.");
            for (var i = 0; i < count; i++)
                Unknown(element);
        }
        else if (type == ThriftType.Struct)
        {
            if (Byte() != 0) throw new InvalidDataException("Its metadata has an unknown structure.");
        }
        else
        {
            Plain(type);
        }
    }

    private long Plain(ThriftType type)
    {
        switch (type)
        {
            case ThriftType.True or ThriftType.False: return type == ThriftType.True ? 1 : 0;
            case ThriftType.Byte: return Byte();
            case ThriftType.I16 or ThriftType.I32: return ZigZag(32);
            case ThriftType.I64: return ZigZag(64);
            case ThriftType.Double: return BinaryPrimitives.ReadInt64LittleEndian(Take(8));
            case ThriftType.Binary:
                Take(Varint(32));
                return 0;
            default: throw new InvalidDataException($"Its metadata has a value of type {type}.");
        }
    }

    private int ListCount(out ThriftType element)
    {
        var head = Byte();
        element = (ThriftType)(head & 15);
        var count = head >> 4 == 15 ? Varint(32) : (ulong)(head >> 4);
        // Every element has a byte at least.
        return count <= (ulong)(_bytes.Length - At)
            ? (int)count
            : throw new EndOfStreamException($"Its metadata has a list of {count}, which is longer than the file.");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - At)) throw new EndOfStreamException("Its metadata goes on behind its end.");
        At += (int)count;
        return _bytes.Slice(At - (int)count, (int)count);
    }

    private byte Byte() => Take(1)[0];

    private long ZigZag(int bits)
    {
        var raw = Varint(bits);
        return bits == 32 ? (int)((uint)raw >> 1) ^ -(int)((uint)raw & 1) : (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    private ulong Varint(int bits)
    {
        ulong value = 0;
        for (var shift = 0; shift < bits + 3; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return bits == 32 ? (uint)value : value;
        }
        throw new InvalidDataException("Its metadata has a number of too many bytes.");
    }
}
