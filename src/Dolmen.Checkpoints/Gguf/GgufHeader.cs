using System.Buffers.Binary;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>One tensor of a GGUF file. <paramref name="Shape"/> is row-major as everywhere here (the file has it reversed);
/// <paramref name="Begin"/> counts from the start of the data.</summary>
public sealed record GgufTensor(string Name, GgmlType Type, long[] Shape, long Begin, long Bytes)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>Reads and checks what stands before the data: version, metadata, tensor descriptions.</summary>
internal static class GgufHeader
{
    private const int MostKeys = 1 << 16, MostTensors = 1 << 20, LongestKey = 1 << 16, LongestName = 64, LongestText = 1 << 26;
    private const int MostItems = 1 << 26, DeepestArray = 4, MostDimensions = 4, LargestAlignment = 1 << 16;

    /// <summary>Bytes before the data, its alignment, and what is in it.</summary>
    public static (long DataStart, Dictionary<string, GgufValue> Metadata, List<GgufTensor> Tensors) Read(GgufBytes bytes)
    {
        if (bytes.Length < 24 || !bytes.Take(4).SequenceEqual("GGUF"u8))
            throw bytes.Damaged("it does not begin with 'GGUF' and two counts");
        var version = bytes.UInt32();
        if (version is not (2 or 3))
        {
            throw bytes.Damaged(BinaryPrimitives.ReverseEndianness(version) is 2 or 3
                ? "it is big-endian; only little-endian files are read"
                : $"it has version {version}; versions 2 and 3 are read");
        }
        var tensorCount = bytes.Count("tensors", 8 + 4 + 8 + 4 + 8, MostTensors);
        var keyCount = bytes.Count("metadata values", 8 + 4 + 1, MostKeys);
        var metadata = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        for (var i = 0; i < keyCount; i++)
        {
            bytes.Place = $"metadata value {i}";
            var key = bytes.Text(LongestKey);
            if (key.Length == 0) throw bytes.Damaged($"metadata value {i} has no key");
            bytes.Place = $"metadata '{key}'";
            if (!metadata.TryAdd(key, Value(bytes, Type(bytes), DeepestArray))) throw bytes.Damaged($"metadata '{key}' come twice");
        }
        var alignment = Alignment(bytes, metadata);
        var tensors = new List<GgufTensor>(Math.Min(tensorCount, 1 << 12));
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tensorCount; i++)
        {
            bytes.Place = $"tensor {i}";
            tensors.Add(Tensor(bytes));
            if (!names.Add(tensors[^1].Name)) throw bytes.Damaged($"tensor '{tensors[^1].Name}' is listed twice");
        }
        var dataStart = Aligned(bytes.Position, alignment);
        CheckPlaces(bytes, tensors, dataStart, alignment);
        return (dataStart, metadata, tensors);
    }

    public static long Aligned(long position, int alignment) => (position + alignment - 1) / alignment * alignment;

    private static GgufValueType Type(GgufBytes bytes)
    {
        var type = (GgufValueType)bytes.UInt32();
        return Enum.IsDefined(type) ? type : throw bytes.Damaged($"{bytes.Place} has the unknown type {(uint)type}");
    }

    private static GgufValue Value(GgufBytes bytes, GgufValueType type, int depth)
    {
        if (type != GgufValueType.Array) return new GgufValue(type, Scalar(bytes, type));
        if (depth == 0) throw bytes.Damaged($"{bytes.Place}: arrays lie in arrays more than {DeepestArray} deep");
        var items = Type(bytes);
        var size = items switch
        {
            GgufValueType.String => 8,
            GgufValueType.Array => 12,
            _ => ScalarBytes(items),
        };
        var count = bytes.Count("items", size, MostItems);
        return new GgufValue(type, items switch
        {
            GgufValueType.Array => Array(() => Value(bytes, GgufValueType.Array, depth - 1)),
            GgufValueType.String => Array(() => bytes.Text(LongestText)),
            GgufValueType.UInt8 => Array(() => bytes.Take(1)[0]),
            GgufValueType.Int8 => Array(() => (sbyte)bytes.Take(1)[0]),
            GgufValueType.UInt16 => Array(() => BinaryPrimitives.ReadUInt16LittleEndian(bytes.Take(2))),
            GgufValueType.Int16 => Array(() => BinaryPrimitives.ReadInt16LittleEndian(bytes.Take(2))),
            GgufValueType.UInt32 => Array(bytes.UInt32),
            GgufValueType.Int32 => Array(() => (int)bytes.UInt32()),
            GgufValueType.Float32 => Array(() => BinaryPrimitives.ReadSingleLittleEndian(bytes.Take(4))),
            GgufValueType.Bool => Array(() => Flag(bytes)),
            GgufValueType.UInt64 => Array(bytes.UInt64),
            GgufValueType.Int64 => Array(() => (long)bytes.UInt64()),
            _ => Array(() => BinaryPrimitives.ReadDoubleLittleEndian(bytes.Take(8))),
        }, items);

        T[] Array<T>(Func<T> next)
        {
            var array = new T[count];
            for (var i = 0; i < count; i++) array[i] = next();
            return array;
        }
    }

    private static object Scalar(GgufBytes bytes, GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => bytes.Take(1)[0],
        GgufValueType.Int8 => (sbyte)bytes.Take(1)[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes.Take(2)),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes.Take(2)),
        GgufValueType.UInt32 => bytes.UInt32(),
        GgufValueType.Int32 => (int)bytes.UInt32(),
        GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes.Take(4)),
        GgufValueType.Bool => Flag(bytes),
        GgufValueType.String => bytes.Text(LongestText),
        GgufValueType.UInt64 => bytes.UInt64(),
        GgufValueType.Int64 => (long)bytes.UInt64(),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(bytes.Take(8)),
    };

    private static int ScalarBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        _ => 8,
    };

    private static bool Flag(GgufBytes bytes)
    {
        var value = bytes.Take(1)[0];
        return value <= 1 ? value == 1 : throw bytes.Damaged($"{bytes.Place} is {value} where 0 or 1 is due");
    }

    private static int Alignment(GgufBytes bytes, Dictionary<string, GgufValue> metadata)
    {
        if (!metadata.TryGetValue("general.alignment", out var value)) return 32;
        return value.Content is uint alignment and >= 8 and <= LargestAlignment && (alignment & (alignment - 1)) == 0 ? (int)alignment
            : throw bytes.Damaged($"general.alignment is {value.Content}; it must be a power of two from 8 to {LargestAlignment}");
    }

    private static GgufTensor Tensor(GgufBytes bytes)
    {
        var name = bytes.Text(LongestName);
        if (name.Length == 0) throw bytes.Damaged($"{bytes.Place} has no name");
        bytes.Place = $"tensor '{name}'";
        UserErrorException Bad(string rule) => bytes.Damaged($"tensor '{name}': {rule}");
        var dimensions = bytes.UInt32();
        if (dimensions is 0 or > MostDimensions) throw Bad($"it has {dimensions} dimensions; 1 to {MostDimensions} are allowed");
        var shape = new long[dimensions];
        var elements = (Int128)1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var size = bytes.UInt64();
            if (size is 0 or > long.MaxValue) throw Bad($"a size is {size}; it must be from 1 to 2^63 - 1");
            shape[i] = (long)size;
            elements *= size;
            if (elements > long.MaxValue / 8) throw Bad("its sizes multiply to more elements than any file holds");
        }
        var type = (GgmlType)bytes.UInt32();
        if (GgmlTypes.Block(type) is not { } block)
        {
            throw Bad(
                $"its type {(uint)type} is not read here ({string.Join(", ", Enum.GetValues<GgmlType>().Select(known => known.Name()))} "
                    + $"are)"
            );
        }
        if (shape[^1] % block.Elements != 0)
            throw Bad($"its rows have {shape[^1]} elements; {type.Name()} needs a multiple of {block.Elements}");
        var begin = bytes.UInt64();
        if (begin > long.MaxValue / 2) throw Bad($"its offset {begin} lies beyond any file");
        return new GgufTensor(name, type, shape, (long)begin, (long)elements / block.Elements * block.Bytes);
    }

    /// <summary>Tensors follow each other in the order of the header, each beginning on a multiple of the alignment, as llama.cpp insists
    /// too: so none overlaps another and all lie within the file.</summary>
    private static void CheckPlaces(GgufBytes bytes, List<GgufTensor> tensors, long dataStart, int alignment)
    {
        var available = Math.Max(0, bytes.Length - dataStart);
        long due = 0;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin != due)
            {
                throw bytes.Damaged($"tensor '{tensor.Name}' begins at {tensor.Begin} where {due} was due: tensors must neither overlap " +
                    "nor leave holes");
            }
            if (tensor.Bytes > available - due)
            {
                throw bytes.Damaged($"tensor '{tensor.Name}' needs {tensor.Bytes} bytes from {due} on but only {available} bytes of data " +
                    "are there: the file is cut off or altered");
            }
            due = Aligned(due + tensor.Bytes, alignment);
        }
    }
}
