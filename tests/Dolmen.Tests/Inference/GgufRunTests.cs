using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Inference.Layers;
using Dolmen.Tests.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>A GGUF file run directly, against the weights it was written from.</summary>
public sealed class GgufRunTests : IDisposable
{
    private static readonly Dictionary<string, DecoderConfig> Models = new(StringComparer.Ordinal)
    {
        ["llama"] = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, 50000, 1e-6, false),
        ["llama 3 positions, tied"] = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, RopeScaling: new Llama3Scaling(8, 1, 4, 64)),
        ["qwen2"] = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, QkvBias: true),
        ["mixtral"] = new TransformerConfig(40, 64, 2, 4, 2, 16, 96, 128, Experts: new MixtureConfig(3)),
        ["gpt2"] = new Gpt2Config(40, 64, 2, 4, 96, 128),
        ["mamba"] = new MambaConfig(40, 64, 2, 4096, 128, 4),
        ["mamba2"] = new Mamba2Config(40, 64, 2, 4096, 8, 16, 16),
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. Models.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void Float32_and_bfloat16_files_give_the_logits_of_their_weights(string name)
    {
        foreach (var (type, dtype) in (ReadOnlySpan<(GgmlType, TensorDtype)>)
            [(GgmlType.F32, TensorDtype.Float32), (GgmlType.BF16, TensorDtype.BFloat16)])
        {
            var config = Models[name];
            using var file = Written(config, type);
            using var model = DecoderModel.Load(file);
            using var folder = RandomModel.Build(config, dtype: dtype);
            var (actual, expected) = (Logits(model), Logits(folder));
            // exp and its logarithm cannot undo each other to the last bit, and scaled frequencies are float32 in the file, double here.
            var tolerance = config is MambaConfig or Mamba2Config ? 1e-4f
                : config is TransformerConfig { RopeScaling: not null } ? 1e-5f : 0;
            if (tolerance == 0) Assert.Equal(expected, actual);
            else for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
        }
    }

    /// <summary>The codes of Q8_0 are what --precision int8 makes of the same weights.</summary>
    [Theory, MemberData(nameof(Names))]
    public void Blocks_of_eight_bits_are_those_that_the_engine_itself_makes(string name)
    {
        using var file = Written(Models[name], GgmlType.Q80);
        using var model = DecoderModel.Load(file);
        using var rounded = new DecoderModel((DecoderConfig)file.Config, tensor => file.Read(tensor), precision: WeightPrecision.Int8);
        Assert.Equal(Logits(rounded), Logits(model));
        Assert.Equal(rounded.WeightBytes, model.WeightBytes);
    }

    /// <summary>Four bits are kept as they are, and eight bits hold them too: the same numbers, so the same sums.</summary>
    [Theory, MemberData(nameof(Names))]
    public void Blocks_of_four_bits_give_the_same_logits_in_eight(string name)
    {
        using var file = Written(Models[name], GgmlType.Q40);
        using var four = DecoderModel.Load(file);
        using var eight = DecoderModel.Load(file, precision: WeightPrecision.Int8);
        Assert.Equal(Logits(eight), Logits(four));
        Assert.True(four.WeightBytes < eight.WeightBytes * 0.7);
    }

    [Theory]
    [InlineData(GgmlType.Q80, false)]
    [InlineData(GgmlType.Q40, false)]
    [InlineData(GgmlType.Q40, true)]
    public unsafe void A_matrix_holds_exactly_what_the_blocks_stand_for(GgmlType type, bool widened)
    {
        var config = Models["llama"];
        using var file = Written(config, type);
        var weights = new GgufWeights(file);
        foreach (var name in (string[])["model.layers.1.self_attn.q_proj.weight", "model.layers.0.mlp.down_proj.weight"])
        {
            var shape = config.Tensors().Single(tensor => tensor.Name == name).Shape;
            var (outputs, inputs) = ((int)shape[0], (int)shape[1]);
            var expected = file.Read(name);
            var stored = type == GgmlType.Q80 ? BlockFormat.Int8 : BlockFormat.Int4;
            using var matrix = new BlockMatrix(outputs, inputs, widened ? BlockFormat.Int8 : stored);
            matrix.SetBlocks(0, weights.Blocks(name).Span, stored);
            var row = new float[inputs];
            for (var output = 0; output < outputs; output++)
            {
                fixed (float* to = row) matrix.CopyRow(output, to);
                Assert.Equal(expected[(output * inputs)..((output + 1) * inputs)], row);
            }
        }
    }

    [Fact]
    public void Parts_of_different_types_lose_nothing_in_one_matrix()
    {
        var config = Models["llama"];
        using var file = Written(config, name => name switch
        {
            "blk.0.attn_q.weight" => GgmlType.Q40,
            "blk.0.attn_k.weight" or "blk.1.attn_k.weight" => GgmlType.Q80,
            "blk.1.attn_q.weight" => GgmlType.BF16,
            _ => GgmlType.F32,
        });
        using var model = DecoderModel.Load(file);
        using var floats = DecoderModel.Load(file, precision: WeightPrecision.Float32);
        var (mixed, exact) = (Logits(model), Logits(floats));
        // Layer 0 has a matrix of Q4_0, Q8_0 and F32, layer 1 one of bf16, Q8_0 and F32: float32 holds each of them.
        Assert.Equal(exact, mixed);
    }

    /// <summary>Blocks of Q4_K stay as they are, beside parts of other types in one matrix; only inputs are rounded.</summary>
    [Fact]
    public void Matrices_of_Q4_K_are_run_as_they_are()
    {
        var config = new TransformerConfig(40, 256, 2, 4, 2, 64, 512, 128, 50000, 1e-6, false);
        static bool IsKept(string name) => new[] { "attn_q", "attn_k.", "ffn_down", "token_embd" }
            .Any(part => name.Contains(part, StringComparison.Ordinal));
        // Blocks of Q4_0 take as many bytes: the file is written with those, and their type and content are exchanged.
        using (Written(config, name => IsKept(name) ? GgmlType.Q40 : name.Contains("norm", StringComparison.Ordinal) ? GgmlType.F32
            : GgmlType.BF16)) { }
        ExchangeBlocks(_folder["mixed.gguf"], IsKept);
        using var file = GgufModel.Open(_folder["mixed.gguf"]);
        using var model = DecoderModel.Load(file);
        using var floats = DecoderModel.Load(file, precision: WeightPrecision.Float32);
        var (actual, exact) = (Logits(model), Logits(floats));
        var spread = Math.Sqrt(exact.Average(value => (double)value * value));
        Assert.True(spread > 0.01);
        for (var i = 0; i < exact.Length; i++) Assert.Equal(exact[i], actual[i], 0.1 * spread);
        Assert.NotEqual(exact, actual);
        Assert.InRange(model.WeightBytes, 0, 0.45 * floats.WeightBytes);
        var error = Assert.Throws<NotSupportedException>(() => model.Reload(name => file.Read(name)));
        Assert.Contains("another precision", error.Message, StringComparison.Ordinal);
    }

    private static void ExchangeBlocks(string path, Func<string, bool> isKept)
    {
        var bytes = File.ReadAllBytes(path);
        using (var file = GgufFile.Open(path))
        {
            foreach (var tensor in file.Tensors.Where(tensor => isKept(tensor.Name)))
            {
                byte[] name = [.. BitConverter.GetBytes((ulong)tensor.Name.Length), .. System.Text.Encoding.UTF8.GetBytes(tensor.Name)];
                var at = bytes.AsSpan().IndexOf(name) + name.Length;
                BitConverter.TryWriteBytes(bytes.AsSpan(at + sizeof(uint) + tensor.Shape.Length * sizeof(ulong)), (uint)GgmlType.Q4K);
                var stored = new byte[tensor.Elements / 256 * 144];
                file.ReadBytes(tensor.Name, stored);
                var blocks = bytes.AsSpan(bytes.AsSpan().IndexOf(stored), stored.Length);
                for (var block = 0; block < blocks.Length; block += 144)
                {
                    // Mean codes of 7.5 times this are about the minima: weights lie around zero.
                    BitConverter.TryWriteBytes(blocks[block..], (Half)0.0004f);
                    BitConverter.TryWriteBytes(blocks[(block + 2)..], (Half)0.003f);
                }
            }
        }
        File.WriteAllBytes(path, bytes);
    }

    [Fact]
    public void A_scale_that_is_not_a_number_is_refused()
    {
        using (Written(Models["llama"], GgmlType.Q80)) { }
        var bytes = File.ReadAllBytes(_folder["x.gguf"]);
        bytes[^34] = 0;
        bytes[^33] = 0x7E;                                               // the scale of the last block
        File.WriteAllBytes(_folder["x.gguf"], bytes);
        using var file = GgufModel.Open(_folder["x.gguf"]);
        Assert.Contains("NaN or infinite", Assert.Throws<UserErrorException>(() => DecoderModel.Load(file)).Message,
            StringComparison.Ordinal);
    }

    private static float[] Logits(DecoderModel model)
    {
        var tokens = RandomModel.Tokens(9, model.Config.VocabSize, 5);
        var logits = new float[tokens.Length * model.Config.VocabSize];
        using var state = model.NewState(tokens.Length);
        model.Logits(tokens, state, logits);
        return logits;
    }

    /// <summary>The file keeps routers in float32: those of a bf16 folder have been rounded.</summary>
    private static float[] Values(TensorShape tensor, bool rounded)
    {
        var values = RandomModel.Values(tensor.Name, tensor.Shape, 1);
        if (!rounded || !tensor.Name.EndsWith("gate.weight", StringComparison.Ordinal)) return values;
        foreach (ref var value in values.AsSpan()) value = (float)(Bf16)value;
        return values;
    }

    private GgufModel Written(DecoderConfig config, GgmlType type)
    {
        GgufExport.Write(_folder["x.gguf"], "x", config, tensor => Values(tensor, rounded: type == GgmlType.BF16),
            [("tokenizer.ggml.model", GgufValue.Of("none"))], type);
        return GgufModel.Open(_folder["x.gguf"]);
    }

    private GgufModel Written(DecoderConfig config, Func<string, GgmlType> type)
    {
        using (Written(config, GgmlType.F32))
        using (var file = GgufFile.Open(_folder["x.gguf"]))
        {
            GgufWriter.Write(_folder["mixed.gguf"], [.. file.Metadata.Values.Select(item => (item.Key, item.Value))],
                [.. file.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, type(tensor.Name), tensor.Shape))],
                tensor =>
                {
                    var values = new float[tensor.Elements];
                    file.Read(tensor.Name, values);
                    return values;
                });
        }
        return GgufModel.Open(_folder["mixed.gguf"]);
    }
}
