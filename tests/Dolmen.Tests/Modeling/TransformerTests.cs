using System.Runtime.InteropServices;
using System.Text.Json;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>The trained model against transformers' LlamaForCausalLM: loss and the norm of every gradient.</summary>
public class TransformerTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Inference", "Goldens", "llama_gqa");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Loss_and_gradients_match_transformers(bool fused)
    {
        var config = Assert.IsType<TransformerConfig>(HuggingFaceFolder.LoadConfig(Folder));
        using var scope = NewDisposeScope();
        using var model = new Transformer(config, bfloat16: false, fused ? new FusedMath() : new PlainMath());
        using (var weights = CheckpointWeights.Open(Folder, config)) model.Import((name, values) => weights.Read(name, values));
        var (inputs, targets, counted) = Batch();
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "golden.json")));

        var loss = model.Loss(inputs, targets, 1.0 / counted);
        loss.backward();
        BackwardGuard.ThrowIfFailed();

        Assert.Equal(golden.RootElement.GetProperty("loss").GetDouble(), loss.item<float>(), 1e-5);
        var norms = golden.RootElement.GetProperty("grad_norms").EnumerateObject().ToDictionary(norm => norm.Name, norm => norm.Value.GetDouble(), StringComparer.Ordinal);
        double Together(params string[] names) => Math.Sqrt(names.Sum(name => norms[name] * norms[name]));
        void Same(string parameter, double expected) =>
            Assert.Equal(expected, model.Parameters[parameter].grad!.norm().item<float>(), 1e-3 * expected);
        Same("embed_tokens", norms["model.embed_tokens.weight"]);
        Same("lm_head", norms["lm_head.weight"]);
        Same("norm", norms["model.norm.weight"]);
        for (var i = 0; i < config.Layers; i++)
        {
            var layer = $"model.layers.{i}.";
            Same($"{i}.input_norm", norms[layer + "input_layernorm.weight"]);
            Same($"{i}.post_attention_norm", norms[layer + "post_attention_layernorm.weight"]);
            Same($"{i}.qkv", Together(layer + "self_attn.q_proj.weight", layer + "self_attn.k_proj.weight", layer + "self_attn.v_proj.weight"));
            Same($"{i}.o", norms[layer + "self_attn.o_proj.weight"]);
            Same($"{i}.gate_up", Together(layer + "mlp.gate_proj.weight", layer + "mlp.up_proj.weight"));
            Same($"{i}.down", norms[layer + "mlp.down_proj.weight"]);
        }
    }

    [Fact]
    public void What_is_exported_can_be_imported()
    {
        var config = new TransformerConfig(64, 24, 2, 4, 2, 6, 40, 16, TieEmbeddings: false);
        using var first = new Transformer(config, bfloat16: true, new FusedMath());
        using var second = new Transformer(config, bfloat16: true, new FusedMath());
        first.Parameters.Initialize(5);
        var exported = first.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        Assert.Equal(config.Tensors().Select(tensor => tensor.Name), first.Export().Select(tensor => tensor.Name));
        second.Import((name, values) => exported[name].CopyTo(values, 0));
        using var scope = NewDisposeScope();
        var tokens = tensor([1L, 5, 9, 63, 0], [1, 5]);
        Assert.Equal(first.Logits(tokens).data<float>().ToArray(), second.Logits(tokens).data<float>().ToArray());
    }

    [Fact]
    public void A_token_does_not_see_what_comes_after_it()
    {
        using var scope = NewDisposeScope();
        using var model = new Transformer(new TransformerConfig(50, 32, 2, 2, 1, 16, 48, 12), bfloat16: false, new FusedMath());
        model.Parameters.Initialize(2);
        var (one, other) = (model.Logits(tensor([3L, 4, 5, 6, 7, 8], [1, 6])), model.Logits(tensor([3L, 4, 5, 6, 49, 0], [1, 6])));
        Assert.Equal(one.narrow(1, 0, 4).contiguous().data<float>().ToArray(), other.narrow(1, 0, 4).contiguous().data<float>().ToArray());
        Assert.NotEqual(one[0, 4].data<float>().ToArray(), other[0, 4].data<float>().ToArray());
    }

    /// <summary>transformers shifts the labels itself; −100 does not count there, −1 here.</summary>
    private static (Tensor Inputs, Tensor Targets, int Counted) Batch()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Folder, "golden.safetensors"));
        long[] Read(string name, out long[] shape)
        {
            var entry = file.Find(name) ?? throw new InvalidDataException(name);
            shape = entry.Shape;
            var values = new long[entry.Elements];
            file.ReadBytes(name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
        var ids = Read("input_ids", out var shape);
        var labels = Read("labels", out _);
        var (rows, length) = ((int)shape[0], (int)shape[1]);
        var targets = new long[rows * length];
        for (var i = 0; i < targets.Length; i++) targets[i] = i % length == length - 1 || labels[i + 1] < 0 ? -1 : labels[i + 1];
        return (tensor(ids, shape), tensor(targets, shape), targets.Count(target => target >= 0));
    }
}
