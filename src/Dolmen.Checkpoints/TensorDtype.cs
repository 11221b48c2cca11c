using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Checkpoints;

/// <summary>Element types a weight is stored in.</summary>
public enum TensorDtype { Float32, Float16, BFloat16 }

/// <summary>Element types as safetensors files and Hugging Face configurations spell them, and their bits as floats.</summary>
public static class TensorDtypes
{
    /// <summary>Bytes an element takes by its name in a safetensors header; 0 for a name the format does not know.</summary>
    internal static int ElementBytes(string safetensorsName) => safetensorsName switch
    {
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" => 1,
        "I16" or "U16" or "F16" or "BF16" => 2,
        "I32" or "U32" or "F32" => 4,
        "I64" or "U64" or "F64" => 8,
        _ => 0,
    };

    public static string SafetensorsName(this TensorDtype dtype) => dtype switch
    {
        TensorDtype.Float32 => "F32",
        TensorDtype.Float16 => "F16",
        _ => "BF16",
    };

    public static string HuggingFaceName(this TensorDtype dtype) => dtype switch
    {
        TensorDtype.Float32 => "float32",
        TensorDtype.Float16 => "float16",
        _ => "bfloat16",
    };

    public static TensorDtype Parse(string huggingFaceName) => huggingFaceName switch
    {
        "float32" => TensorDtype.Float32,
        "float16" => TensorDtype.Float16,
        "bfloat16" => TensorDtype.BFloat16,
        _ => throw new UserErrorException($"dtype '{huggingFaceName}' is unknown: it must be float32, bfloat16 or float16."),
    };

    public static int Bytes(this TensorDtype dtype) => dtype == TensorDtype.Float32 ? 4 : 2;

    internal static TensorDtype? FloatDtype(string safetensorsName) => safetensorsName switch
    {
        "F32" => TensorDtype.Float32,
        "F16" => TensorDtype.Float16,
        "BF16" => TensorDtype.BFloat16,
        _ => null,
    };

    /// <summary>The upper half of a float, rounded to nearest even; NaN stays NaN.</summary>
    public static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    internal static void Decode(TensorDtype dtype, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (dtype)
        {
            case TensorDtype.Float32 when BitConverter.IsLittleEndian:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorDtype.Float32:
                for (var i = 0; i < destination.Length; i++) destination[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(4 * i)..]);
                break;
            case TensorDtype.Float16:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
                }
                break;
            default:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] =
                        BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
                }
                break;
        }
    }

    internal static void Encode(TensorDtype dtype, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (dtype)
        {
            case TensorDtype.Float32 when BitConverter.IsLittleEndian:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case TensorDtype.Float32:
                for (var i = 0; i < source.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(destination[(4 * i)..], source[i]);
                break;
            case TensorDtype.Float16:
                for (var i = 0; i < source.Length; i++) BinaryPrimitives.WriteHalfLittleEndian(destination[(2 * i)..], (Half)source[i]);
                break;
            default:
                for (var i = 0; i < source.Length; i++)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..], ToBFloat16(source[i]));
                }
                break;
        }
    }
}
