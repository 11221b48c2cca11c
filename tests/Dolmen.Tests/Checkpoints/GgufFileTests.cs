using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Checkpoints;

public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_values_shapes_and_weights()
    {
        using var file = GgufFile.Open(Sample());
        Assert.Equal("llama", file.Metadata.Text("general.architecture"));
        Assert.Equal(7, file.Metadata.Int32("llama.block_count"));
        Assert.Equal(0.5f, file.Metadata.Number("llama.scale"));
        Assert.True(file.Metadata.FindFlag("tokenizer.ggml.add_bos_token"));
        Assert.Equal(["a", "ß"], file.Metadata.Texts("tokenizer.ggml.tokens"));
        Assert.Equal([1, 0, 3], file.Metadata.Int32PerLayer("llama.attention.head_count_kv", 3));
        Assert.Equal([7, 7], file.Metadata.Int32PerLayer("llama.block_count", 2));
        Assert.Equal([3L, 64L], Assert.IsType<GgufTensor>(file.Find("w")).Shape);
        foreach (var (name, tolerance) in (ReadOnlySpan<(string, double)>)[("w", 0), ("h", 0.002), ("b", 0.02), ("q8", 0.02), ("q4", 0.3)])
        {
            var values = new float[192];
            file.Read(name, values);
            for (var i = 0; i < 192; i++) Assert.Equal(Weights[i], values[i], tolerance);
        }
    }

    [Theory]
    [InlineData("version", "version 9")]
    [InlineData("big-endian", "big-endian")]
    [InlineData("magic", "does not begin with 'GGUF'")]
    [InlineData("tensor count", "tensors")]
    [InlineData("key count", "metadata values")]
    [InlineData("key length", "bytes of text")]
    [InlineData("value type", "'k' has the unknown type 99")]
    [InlineData("array length", "metadata 'k': it claims 1152921504606846976 items")]
    [InlineData("array depth", "more than 4 deep")]
    [InlineData("bool", "is 7 where 0 or 1 is due")]
    [InlineData("utf-8", "not UTF-8")]
    [InlineData("key twice", "'k' come twice")]
    [InlineData("alignment", "general.alignment is 24")]
    [InlineData("dimensions", "tensor 't': it has 5 dimensions")]
    [InlineData("zero size", "tensor 't': a size is 0")]
    [InlineData("overflow", "tensor 't': its sizes multiply")]
    [InlineData("type", "tensor 't': its type 77")]
    [InlineData("row", "tensor 't': its rows have 33 elements; Q8_0 needs")]
    [InlineData("offset", "tensor 't' begins at 32 where 0 was due")]
    [InlineData("overlap", "tensor 'u' begins at 0 where 32 was due")]
    [InlineData("twice", "tensor 't' is listed twice")]
    [InlineData("cut off", "tensor 't' needs 400 bytes")]
    [InlineData("name", "64 are allowed")]
    public void A_hostile_file_is_refused_by_the_key_or_tensor_at_fault(string what, string message)
    {
        File.WriteAllBytes(_folder["x.gguf"], Hostile(what));
        var error = Assert.Throws<UserErrorException>(() => GgufFile.Open(_folder["x.gguf"]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("x.gguf", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Metadata_of_another_type_are_refused_by_key()
    {
        using var file = GgufFile.Open(Sample());
        Assert.Contains(
            "'llama.nothing'",
            Assert.Throws<UserErrorException>(() => file.Metadata.Int32("llama.nothing")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "general.architecture is 'llama'",
            Assert.Throws<UserErrorException>(() => file.Metadata.Int32("general.architecture")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "3 or 5, one for each layer",
            Assert
                .Throws<UserErrorException>(() => file.Metadata.Int32PerLayer("llama.attention.head_count_kv", 5))
                .Message.Replace("one number or 5", "3 or 5", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_damaged_file_is_refused_or_read_but_never_anything_else()
    {
        var whole = File.ReadAllBytes(Sample());
        Gen.Select(Gen.Int[0, 700], Gen.Byte, Gen.Int[0, 3], Gen.Int[0, whole.Length]).Sample((at, value, kind, length) =>
            Mutations.Try(_folder["m.gguf"], Mutations.Damage(whole, at, value, kind, length), OpenAndReadAll), time: 2, threads: 1);
    }

    internal static void OpenAndReadAll(string path)
    {
        using var file = GgufFile.Open(path);
        foreach (var tensor in file.Tensors) file.Read(tensor.Name, new float[tensor.Elements]);
        foreach (var key in file.Metadata.Values.Keys)
        {
            try { _ = file.Metadata.FindInt32s(key); } catch (UserErrorException) { }
            try { _ = file.Metadata.FindNumber(key); } catch (UserErrorException) { }
        }
    }

    private static float[] Weights { get; } = [.. Enumerable.Range(0, 192).Select(i => MathF.Sin(i) * 2)];

    private string Sample()
    {
        (string, GgmlType)[] tensors =
        [
            ("w", GgmlType.F32),
            ("h", GgmlType.F16),
            ("b", GgmlType.BF16),
            ("q8", GgmlType.Q80),
            ("q4", GgmlType.Q40),
        ];
        GgufWriter.Write(
            _folder["s.gguf"],
            [
                ("general.architecture", GgufValue.Of("llama")),
                ("llama.block_count", GgufValue.Of(7u)),
                ("llama.scale", GgufValue.Of(0.5f)),
                ("tokenizer.ggml.add_bos_token", GgufValue.Of(true)),
                ("tokenizer.ggml.tokens", GgufValue.Of(["a", "ß"])),
                ("llama.attention.head_count_kv", GgufValue.Of([1, 0, 3])),
            ],
            [.. tensors.Select(tensor => new GgufTensorPlan(tensor.Item1, tensor.Item2, [3, 64]))],
            _ => Weights
        );
        return _folder["s.gguf"];
    }

    /// <summary>A file of one key and one tensor with one thing wrong.</summary>
    private static byte[] Hostile(string what)
    {
        using var stream = new MemoryStream();
        using var w = new BinaryWriter(stream);
        void Text(string text, ulong? length = null)
        {
            w.Write(length ?? (ulong)Encoding.UTF8.GetByteCount(text));
            w.Write(Encoding.UTF8.GetBytes(text));
        }
        void Tensor(string name, uint type, ulong offset, params ulong[] sizes)
        {
            Text(name);
            w.Write((uint)sizes.Length);
            foreach (var size in sizes) w.Write(size);
            w.Write(type);
            w.Write(offset);
        }
        w.Write(what == "magic" ? "GGML"u8 : "GGUF"u8);
        w.Write(what == "version" ? 9u : what == "big-endian" ? 0x03000000u : 3u);
        w.Write(what == "tensor count" ? ulong.MaxValue : what is "twice" or "overlap" ? 2ul : 1ul);
        w.Write(what == "key count" ? 1ul << 40 : what == "key twice" ? 2ul : 1ul);
        for (var i = what == "key twice" ? 2 : 1; i > 0; i--)
        {
            Text(what == "alignment" ? "general.alignment" : "k", what == "key length" ? ulong.MaxValue : null);
            switch (what)
            {
                case "value type": w.Write(99u); break;
                case "array length": w.Write(9u); w.Write(4u); w.Write(1ul << 60); break;
                case "array depth": for (var depth = 0; depth < 6; depth++) { w.Write(9u); if (depth > 0) w.Write(1ul); } break;
                case "bool": w.Write(7u); w.Write((byte)7); break;
                case "utf-8": w.Write(8u); w.Write(1ul); w.Write((byte)0xFF); break;
                case "alignment": w.Write(4u); w.Write(24u); break;
                default: w.Write(4u); w.Write(1u); break;
            }
        }
        switch (what)
        {
            case "dimensions": Tensor("t", 0, 0, 1, 1, 1, 1, 1); break;
            case "zero size": Tensor("t", 0, 0, 4, 0); break;
            case "overflow": Tensor("t", 0, 0, 1ul << 32, 1ul << 32, 1ul << 32); break;
            case "type": Tensor("t", 77, 0, 1); break;
            case "row": Tensor("t", 8, 0, 33); break;
            case "offset": Tensor("t", 0, 32, 1); break;
            case "overlap": Tensor("t", 0, 0, 1); Tensor("u", 0, 0, 1); break;
            case "twice": Tensor("t", 0, 0, 1); Tensor("t", 0, 32, 1); break;
            case "cut off": Tensor("t", 0, 0, 100); break;
            case "name": Tensor(new string('n', 65), 0, 0, 1); break;
            default: Tensor("t", 0, 0, 1); break;
        }
        w.Write(new byte[100]);
        return stream.ToArray();
    }
}
