using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;

namespace Dolmen.Tests.Checkpoints;

public sealed class HuggingFaceFolderTests : IDisposable
{
    private static readonly TransformerConfig Tiny = new(40, 16, 2, 2, 1, 8, 24, 64, NormEps: 1e-6, RopeTheta: 50000);
    private static readonly SpecialTokenIds Special = new(30, 31, 32, 36);
    private readonly TemporaryFolder _folder = new();

    private string Model => _folder["m"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_saved_model_is_the_same_when_loaded(bool tied)
    {
        var config = Tiny with { TieEmbeddings = tied };
        Save(config);
        Assert.Equal(config, HuggingFaceFolder.LoadConfig(Model));
        using var weights = CheckpointWeights.Open(Model, config);
        foreach (var tensor in Weights(config))
        {
            var values = new float[tensor.Values.Length];
            weights.Read(tensor.Name, values);
            Assert.Equal(tensor.Values.ToArray(), values);
        }
        Assert.False(Directory.Exists(Model + ".partial"));
    }

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(float.PositiveInfinity, 3)]
    [InlineData(float.NegativeInfinity, 128)]
    public void Weights_that_are_no_numbers_are_refused_by_tensor_and_count(float value, int count)
    {
        var weights = Weights(Tiny).ToList();
        var spoilt = weights[3].Values.ToArray();
        for (var i = 0; i < count; i++) spoilt[^(i + 1)] = value;
        weights[3] = weights[3] with { Values = spoilt };
        HuggingFaceFolder.Save(Model, Tiny, weights, new ModelCard("m", "s"), Special, []);
        using (var opened = CheckpointWeights.Open(Model, Tiny))
        {
            opened.Read(weights[2].Name, new float[weights[2].Values.Length]);
            var error = Assert.Throws<UserErrorException>(() => opened.Read(weights[3].Name, new float[spoilt.Length]));
            Assert.Contains($"'{weights[3].Name}' holds {count} values of {spoilt.Length}", error.Message, StringComparison.Ordinal);
        }
        using var willing = CheckpointWeights.Open(Model, Tiny, allowNonFinite: true);
        var read = new float[spoilt.Length];
        willing.Read(weights[3].Name, read);
        Assert.Equal(spoilt, read);
    }

    [Fact]
    public void A_large_model_is_cut_into_shards_and_read_back()
    {
        Save(Tiny, maxShardBytes: 2000);
        Assert.True(Directory.GetFiles(Model, "model-*-of-*.safetensors").Length > 2);
        Assert.False(File.Exists(Path.Combine(Model, "model.safetensors")));
        using var weights = CheckpointWeights.Open(Model, Tiny);
        var expected = Weights(Tiny).Last();
        var values = new float[expected.Values.Length];
        weights.Read(expected.Name, values);
        Assert.Equal(expected.Values.ToArray(), values);
    }

    [Fact]
    public void Saving_twice_gives_the_same_bytes_and_replaces_what_was_there()
    {
        Save(Tiny);
        var first = Directory.GetFiles(Model).Order().Select(File.ReadAllBytes).ToArray();
        File.WriteAllText(Path.Combine(Model, "stale.txt"), "from an earlier model");
        Save(Tiny);
        Assert.Equal(first, Directory.GetFiles(Model).Order().Select(File.ReadAllBytes).ToArray());
    }

    [Fact]
    public void A_save_that_fails_keeps_the_model_that_was_there()
    {
        Save(Tiny);
        Assert.Throws<ArgumentException>(() => HuggingFaceFolder.Save(Model, Tiny, Weights(Tiny).Skip(1), new ModelCard("m", "s"), Special,
            []));
        using var weights = CheckpointWeights.Open(Model, Tiny);
        Assert.Single(Directory.GetDirectories(_folder.Path));
    }

    [Fact]
    public void A_folder_with_other_things_is_not_written_over()
    {
        Directory.CreateDirectory(Model);
        File.WriteAllText(Path.Combine(Model, "thesis.txt"), "do not lose");
        Assert.Throws<UserErrorException>(() => Save(Tiny));
        Assert.True(File.Exists(Path.Combine(Model, "thesis.txt")));
    }

    [Fact]
    public void Missing_and_misshapen_tensors_are_all_listed()
    {
        var shapes = Tiny.Tensors().Where(tensor => tensor.Name != "model.norm.weight").ToList();
        shapes[0] = shapes[0] with { Shape = [40, 15] };
        shapes.Add(new TensorShape("model.layers.0.self_attn.q_proj.bias", [16]));
        Save(Tiny);
        SafetensorsWriter.Write(Path.Combine(Model, "model.safetensors"), shapes,
            shapes.Select(shape => new NamedTensor(shape.Name, shape.Shape, new float[shape.Elements])), TensorDtype.Float32);
        var error = Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(Model, Tiny));
        Assert.Contains("'model.norm.weight' is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("'model.embed_tokens.weight' has shape [40, 15]", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../m/model.safetensors")]
    [InlineData("/etc/x.safetensors")]
    [InlineData("a\\b.safetensors")]
    [InlineData("..")]
    [InlineData("weights.bin")]
    public void An_index_cannot_lead_out_of_the_folder(string file)
    {
        Save(Tiny);
        File.WriteAllText(Path.Combine(Model, "model.safetensors.index.json"),
            new JsonObject { ["weight_map"] = new JsonObject { ["model.norm.weight"] = file } }.ToJsonString());
        var error = Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(Model, Tiny));
        Assert.Contains("not the name of a .safetensors file in the same folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        Save(Tiny, maxShardBytes: 2000);
        var shard = Directory.GetFiles(Model, "model-*.safetensors").Order().ElementAt(1);
        File.Delete(shard);
        var error = Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(Model, Tiny));
        Assert.Contains(Path.GetFileName(shard), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model_type", "\"opt\"", "model_type is 'opt'")]
    [InlineData("model_type", "17", "model_type is 17")]
    [InlineData("intermediate_size", "true", "intermediate_size is true")]
    [InlineData("hidden_size", "\"wide\"", "hidden_size is \"wide\"")]
    [InlineData("hidden_size", "1e99", "hidden_size is 1e99")]
    [InlineData("num_hidden_layers", "2000000000", "num_hidden_layers is 2000000000")]
    [InlineData("num_key_value_heads", "3", "model.kvHeads is 3")]
    [InlineData("num_attention_heads", "0", "num_attention_heads is 0")]
    [InlineData("attention_bias", "\"yes\"", "attention_bias is \"yes\"")]
    [InlineData("hidden_act", "\"xielu\"", "hidden_act is 'xielu'")]
    [InlineData("rope_scaling", """{"type":"mrope","factor":2}""", "rope_scaling has the type 'mrope'")]
    [InlineData("rope_scaling", """{"type":"linear","factor":-2}""", "rope_scaling.factor is -2")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","rope_theta":1e4}""", "factor is missing")]
    public void A_configuration_that_cannot_be_run_is_refused_by_name(string field, string? value, string message)
    {
        Save(Tiny);
        Change(field, value);
        var error = Assert.Throws<UserErrorException>(() => HuggingFaceFolder.LoadConfig(Model));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"model_type":"\ud800"}""")]
    [InlineData("""{"model_type":"llama","model_type":"llama"}""")]
    public void A_configuration_that_is_not_whole_json_is_refused(string text)
    {
        Save(Tiny);
        File.WriteAllText(Path.Combine(Model, "config.json"), text);
        Assert.Throws<UserErrorException>(() => HuggingFaceFolder.LoadConfig(Model));
        File.WriteAllText(Path.Combine(Model, "model.safetensors.index.json"), text);
        Assert.Throws<UserErrorException>(() => CheckpointWeights.Open(Model, Tiny));
    }

    [Fact]
    public void Newer_configurations_keep_theta_among_the_rope_parameters()
    {
        Save(Tiny);
        Change("rope_theta", null);
        Change("rope_parameters", """{"rope_type":"default","rope_theta":123456.0}""");
        Assert.Equal(123456.0, Assert.IsType<TransformerConfig>(HuggingFaceFolder.LoadConfig(Model)).RopeTheta);
    }

    [Theory]
    [InlineData("llama_gqa", "llama")]
    [InlineData("llama_tied_rope3", "llama")]
    [InlineData("mistral_swa", "mistral")]
    [InlineData("qwen2", "qwen2")]
    [InlineData("qwen3", "qwen3")]
    [InlineData("mixtral", "mixtral")]
    [InlineData("gpt2", "gpt2")]
    [InlineData("mamba", "mamba")]
    [InlineData("mamba2", "mamba2")]
    [InlineData("jamba", "jamba")]
    public void A_configuration_of_other_software_comes_back_as_it_was(string name, string type)
    {
        var config = HuggingFaceFolder.LoadConfig(Fakes.GoldenFolder.Of(name));
        using (var weights = CheckpointWeights.Open(Fakes.GoldenFolder.Of(name), config))
        {
            HuggingFaceFolder.Save(Model, config, config.Tensors().Select(tensor =>
            {
                var values = new float[tensor.Elements];
                weights.Read(tensor.Name, values);
                return new NamedTensor(tensor.Name, tensor.Shape, values);
            }), new ModelCard("m", "s"), Special, []);
        }
        var json = Assert.IsType<JsonObject>(
            JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "config.json")).Replace("Infinity", "1e999", StringComparison.Ordinal))
        );
        Assert.Equal(type, json["model_type"]!.GetValue<string>());
        Assert.Equal(config, HuggingFaceFolder.LoadConfig(Model));
        Assert.Equal(File.ReadAllBytes(Path.Combine(Fakes.GoldenFolder.Of(name), "model.safetensors")).Length / 1000,
            File.ReadAllBytes(Path.Combine(Model, "model.safetensors")).Length / 1000);
    }

    [Fact]
    public void Weights_saved_without_their_head_have_shorter_names()
    {
        var golden = Fakes.GoldenFolder.Of("gpt2");
        var config = HuggingFaceFolder.LoadConfig(golden);
        Directory.CreateDirectory(Model);
        File.Copy(Path.Combine(golden, "config.json"), Path.Combine(Model, "config.json"));
        using var whole = CheckpointWeights.Open(golden, config);
        float[] Values(CheckpointWeights weights, TensorShape tensor)
        {
            var values = new float[tensor.Elements];
            weights.Read(tensor.Name, values);
            return values;
        }
        // As the published GPT-2: no "transformer." and the causal mask among the weights.
        TensorShape[] bare =
        [
            .. config.Tensors().Select(tensor => tensor with { Name = tensor.Name["transformer.".Length..] }),
            new("h.0.attn.bias", [1, 1, 4, 4]),
        ];
        SafetensorsWriter.Write(
            Path.Combine(Model, "model.safetensors"),
            bare,
            bare.Select(tensor => new NamedTensor(
                tensor.Name,
                tensor.Shape,
                tensor.Name == "h.0.attn.bias" ? new float[16] : Values(whole, tensor with { Name = "transformer." + tensor.Name })
            )),
            TensorDtype.Float32
        );
        using var read = CheckpointWeights.Open(Model, config);
        Assert.All(config.Tensors(), tensor => Assert.Equal(Values(whole, tensor), Values(read, tensor)));
    }

    [Fact]
    public void A_run_is_as_good_as_the_model_in_it_and_anything_else_is_refused()
    {
        Save(Tiny);
        Assert.Equal(Model, HuggingFaceFolder.Locate(Model));
        Directory.CreateDirectory(_folder["run"]);
        Assert.Throws<UserErrorException>(() => HuggingFaceFolder.Locate(_folder["run"]));
        Directory.Move(Model, Path.Combine(_folder["run"], "model"));
        Assert.Equal(Path.Combine(_folder["run"], "model"), HuggingFaceFolder.Locate(_folder["run"]));
        Assert.Throws<UserErrorException>(() => HuggingFaceFolder.Locate(_folder["nowhere"]));
    }

    [Fact]
    public void The_card_quotes_what_people_put_in()
    {
        var card = new ModelCard("it's: a name", "Says things.", Tags: ["a: b"], Metrics: [new ModelMetric("4-way choice", "acc", 0.625)])
            .Markdown(Tiny);
        Assert.Contains("- 'a: b'\n", card, StringComparison.Ordinal);
        Assert.Contains("- name: 'it''s: a name'\n", card, StringComparison.Ordinal);
        Assert.Contains("value: 0.625\n", card, StringComparison.Ordinal);
    }

    private void Change(string field, string? value)
    {
        var path = Path.Combine(Model, "config.json");
        var json = Assert.IsType<JsonObject>(JsonNode.Parse(File.ReadAllText(path)));
        json.Remove(field);
        if (value is not null) json[field] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
    }

    private void Save(TransformerConfig config, long maxShardBytes = HuggingFaceFolder.MaxShardBytes) =>
        HuggingFaceFolder.Save(Model, config, Weights(config), new ModelCard("m", "s"), Special, [], maxShardBytes: maxShardBytes);

    private static IEnumerable<NamedTensor> Weights(TransformerConfig config)
    {
        var random = new StableRandom(7);
        foreach (var tensor in config.Tensors())
        {
            var values = new float[tensor.Elements];
            for (var i = 0; i < values.Length; i++) values[i] = (float)random.NextNormal();
            yield return new NamedTensor(tensor.Name, tensor.Shape, values);
        }
    }
}
