using System.Runtime.InteropServices;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Against blocks that llama.cpp quantised and the floats it made of them.</summary>
public sealed class GgmlBlocksTests
{
    [Theory]
    [InlineData("bf16")]
    [InlineData("f16")]
    [InlineData("iq4_nl")]
    [InlineData("iq4_xs")]
    [InlineData("mxfp4")]
    [InlineData("nvfp4")]
    [InlineData("q2_K")]
    [InlineData("q3_K")]
    [InlineData("q4_0")]
    [InlineData("q4_1")]
    [InlineData("q4_K")]
    [InlineData("q5_0")]
    [InlineData("q5_1")]
    [InlineData("q5_K")]
    [InlineData("q6_K")]
    [InlineData("q8_0")]
    [InlineData("tq1_0")]
    [InlineData("tq2_0")]
    public void Blocks_decode_to_the_floats_of_llama_cpp_bit_for_bit(string name)
    {
        var expected = Floats($"{name}.f32");
        var actual = new float[expected.Length];
        GgmlDecoder.Decode(Type(name), File.ReadAllBytes(Golden($"{name}.bin")), actual);
        Assert.Equal(Bits(expected), Bits(actual));
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("f16")]
    [InlineData("q4_0")]
    [InlineData("q8_0")]
    public void Floats_encode_to_the_blocks_of_llama_cpp_byte_for_byte(string name)
    {
        var expected = File.ReadAllBytes(Golden($"{name}.bin"));
        var actual = new byte[expected.Length];
        GgmlEncoder.Encode(Type(name), Floats("input.f32"), actual);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Zeros_stay_zeros()
    {
        foreach (var type in GgmlTypes.Writable)
        {
            var (_, bytes) = GgmlTypes.Block(type) ?? throw new InvalidDataException($"{type}");
            var elements = 64 / (GgmlTypes.Block(type)?.Elements ?? 1) * bytes;
            var (blocks, values) = (new byte[elements], new float[64]);
            GgmlEncoder.Encode(type, new float[64], blocks);
            GgmlDecoder.Decode(type, blocks, values);
            Assert.All(values, value => Assert.Equal(0f, value));
        }
    }

    private static GgmlType Type(string name) => GgmlTypes.Named(name) ?? throw new InvalidDataException(name);

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Checkpoints", "Goldens", "ggml_quant", name);

    private static float[] Floats(string name) => [.. MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Golden(name)))];

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
