using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8,
        "'a' is listed twice")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}""", 8, "'dtype' is unknown, repeated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "neither overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12,
        "nor leave holes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 12, "end at byte 4 of 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", 8, "cut off")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "another number of bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", 8, "another number of bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "cut off")]
    [InlineData("""{"a":{"dtype":"Q9","shape":[2],"data_offsets":[0,8]}}""", 8, "'Q9' is unknown")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "data_offsets are all needed")]
    [InlineData("""[1]""", 0, "does not begin with '{'")]
    [InlineData("""{"a":""", 0, "not JSON")]
    public void A_damaged_header_is_refused_with_the_rule(string header, int dataBytes, string rule)
    {
        var error = Assert.Throws<UserErrorException>(() => SafetensorsFile.Open(Raw(header, dataBytes)));
        Assert.Contains(rule, error.Message, StringComparison.Ordinal);
        Assert.Contains("x.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "fewer than the 8")]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, (byte)'{' }, "at most 100000000")]
    [InlineData(new byte[] { 100, 0, 0, 0, 0, 0, 0, 0, (byte)'{' }, "only 1 left")]
    public void A_file_cut_off_in_its_header_is_refused(byte[] bytes, string rule)
    {
        File.WriteAllBytes(_folder["x.safetensors"], bytes);
        var error = Assert.Throws<UserErrorException>(() => SafetensorsFile.Open(_folder["x.safetensors"]));
        Assert.Contains(rule, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_refused_or_read_but_never_anything_else()
    {
        var whole = File.ReadAllBytes(Written(TensorDtype.Float32));
        Gen.Select(Gen.Int[0, 400], Gen.Byte, Gen.Int[0, 3], Gen.Int[0, whole.Length]).Sample((at, value, kind, length) =>
            Mutations.Try(_folder["m.safetensors"], Mutations.Damage(whole, at, value, kind, length), OpenAndReadAll), time: 2, threads: 1);
    }

    [Fact]
    public void A_header_just_above_the_limit_is_refused_although_the_file_is_as_long()
    {
        using (var stream = File.Create(_folder["x.safetensors"]))
        {
            stream.Write([0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0]);          // 100,000,001
            stream.SetLength(100_000_100);                               // takes no room on disk
        }
        Assert.Contains("a header of 100000001 bytes", Assert.Throws<UserErrorException>(() =>
            SafetensorsFile.Open(_folder["x.safetensors"])).Message, StringComparison.Ordinal);
    }

    internal static void OpenAndReadAll(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var entry in file.Entries)
        {
            if (entry.Dtype is "F32" or "F16" or "BF16") file.Read(entry.Name, new float[entry.Elements]);
        }
    }

    [Theory]
    [InlineData(TensorDtype.Float32, 0)]
    [InlineData(TensorDtype.Float16, 1f / 2048)]
    [InlineData(TensorDtype.BFloat16, 1f / 256)]
    public void What_is_written_is_read_back_to_the_precision_of_the_type(TensorDtype dtype, float tolerance)
    {
        using var file = SafetensorsFile.Open(Written(dtype));
        foreach (var tensor in Sample)
        {
            var values = new float[tensor.Values.Length];
            file.Read(tensor.Name, values);
            for (var i = 0; i < values.Length; i++)
            {
                Assert.True(Math.Abs(values[i] - tensor.Values.Span[i]) <= tolerance * Math.Abs(values[i]), $"{values[i]}");
            }
        }
    }

    [Fact]
    public void The_order_in_which_weights_come_does_not_show_in_the_file()
    {
        var forward = File.ReadAllBytes(Written(TensorDtype.BFloat16));
        SafetensorsWriter.Write(_folder["y.safetensors"], Shapes, Sample.Reverse(), TensorDtype.BFloat16);
        Assert.Equal(forward, File.ReadAllBytes(_folder["y.safetensors"]));
    }

    [Fact]
    public void The_data_begin_on_a_multiple_of_eight_after_the_metadata_other_loaders_need()
    {
        var bytes = File.ReadAllBytes(Written(TensorDtype.Float32));
        var length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        Assert.StartsWith("""{"__metadata__":{"format":"pt"},""", Encoding.UTF8.GetString(bytes, 8, (int)length), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_weight_leaves_no_file()
    {
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(_folder["z.safetensors"], Shapes, Sample.Skip(1),
            TensorDtype.Float32));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Rounding_to_bf16_goes_to_the_nearest_even()
    {
        Assert.Equal(0x3F80, TensorDtypes.ToBFloat16(1f + 1f / 256));              // a tie, even below
        Assert.Equal(0x3F82, TensorDtypes.ToBFloat16(1f + 3f / 256));              // a tie, even above
        Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)TensorDtypes.ToBFloat16(float.NaN) << 16)));
        Assert.Equal(0x7F80, TensorDtypes.ToBFloat16(float.MaxValue));
    }

    private static NamedTensor[] Sample { get; } =
    [
        new("b", [3, 5], Enumerable.Range(0, 15).Select(i => i * 0.37f - 2).ToArray()),
        new("a", [7], Enumerable.Range(0, 7).Select(i => 1f / (i + 1)).ToArray()),
    ];

    private static TensorShape[] Shapes => [.. Sample.Select(tensor => new TensorShape(tensor.Name, tensor.Shape))];

    private string Written(TensorDtype dtype)
    {
        SafetensorsWriter.Write(_folder["x.safetensors"], Shapes, Sample, dtype);
        return _folder["x.safetensors"];
    }

    private string Raw(string header, int dataBytes)
    {
        var bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        Encoding.UTF8.GetBytes(header, bytes.AsSpan(8));
        File.WriteAllBytes(_folder["x.safetensors"], bytes);
        return _folder["x.safetensors"];
    }
}
