using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Models that score or classify, as folders of transformers' classes "…ForSequenceClassification".</summary>
public sealed class SequenceClassificationTests : IDisposable
{
    private static readonly TransformerConfig Llama = new(40, 16, 2, 2, 1, 8, 24, 64, TieEmbeddings: false);
    private readonly TemporaryFolder _folder = new();

    private string Model => _folder["m"];

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string> Classes => new()
    {
        { "llama", "LlamaForSequenceClassification" },
        { "mistral", "MistralForSequenceClassification" },
        { "mixtral", "MixtralForSequenceClassification" },
        { "qwen3", "Qwen3ForSequenceClassification" },
        { "gpt2", "GPT2ForSequenceClassification" },
        { "jamba", "JambaForSequenceClassification" },
        { "s4", "DolmenForSequenceClassification" },
    };

    [Theory, MemberData(nameof(Classes))]
    public void A_saved_head_is_the_same_when_loaded(string name, string architecture)
    {
        foreach (var head in new HeadConfig[] { new ScalarHead(), new ClassHead(["bad", "fair", "good"]) })
        {
            // Jamba's config.json says its inner width as a whole multiple of the model's.
            var small = SmallModels.All[name] is JambaConfig jamba ? jamba with { DInner = 2 * jamba.DModel } : SmallModels.All[name];
            var config = small with { Head = head };
            Save(config);
            Assert.Equal(head, ((DecoderConfig)HuggingFaceFolder.LoadConfig(Model)).Head);
            Assert.Equal(architecture, Json()["architectures"]![0]!.GetValue<string>());
            using var loaded = (Decoder)TrainableModel.Load(Model, Compute.Host());
            Assert.Equal(config.Tensors().Select(tensor => tensor.Name), loaded.Export().Select(tensor => tensor.Name));
            Assert.Equal([head is ScalarHead ? 1 : 3, config.Plan().DModel], loaded.Export().Last().Shape);
            Assert.Equal("score.weight", loaded.Export().Last().Name);
        }
    }

    [Fact]
    public void Labels_are_written_as_transformers_reads_them()
    {
        Save(Llama with { Head = new ClassHead(["no", "yes"]) });
        var json = Json();
        Assert.Equal("""{"0":"no","1":"yes"}""", json["id2label"]!.ToJsonString());
        Assert.Equal("""{"no":0,"yes":1}""", json["label2id"]!.ToJsonString());
        Assert.Equal("single_label_classification", json["problem_type"]!.GetValue<string>());
        Assert.Contains("AutoModelForSequenceClassification", File.ReadAllText(Path.Combine(Model, "README.md")), StringComparison.Ordinal);
        Save(Llama with { Head = new ScalarHead() });
        Assert.Equal("""{"0":"LABEL_0"}""", Json()["id2label"]!.ToJsonString());
        Assert.Equal("regression", Json()["problem_type"]!.GetValue<string>());
    }

    /// <summary>What transformers' configuration class takes: names, a number, or two labels where neither is said.</summary>
    [Theory]
    [InlineData("""{}""", 2)]
    [InlineData("""{"num_labels":5}""", 5)]
    [InlineData("""{"num_labels":1,"problem_type":"regression"}""", 1)]
    [InlineData("""{"id2label":{"0":"a","1":"b","2":"c"},"problem_type":"single_label_classification"}""", 3)]
    [InlineData("""{"id2label":{"0":"LABEL_0"},"label2id":{"LABEL_0":0}}""", 1)]
    public void Labels_of_others_are_read(string keys, int count)
    {
        Edit(keys);
        var head = ((DecoderConfig)HuggingFaceFolder.LoadConfig(Model)).Head;
        if (count == 1) Assert.IsType<ScalarHead>(head);
        else Assert.Equal(count, Assert.IsType<ClassHead>(head).Labels.Count);
    }

    [Theory]
    [InlineData("""{"num_labels":3,"id2label":{"0":"a","1":"b"}}""", "num_labels is 3 but id2label has 2 names")]
    [InlineData("""{"id2label":{"0":"a","2":"b"}}""", "id2label has no name for 1")]
    [InlineData("""{"id2label":{"0":"a","1":"a"}}""", "the label 'a' twice")]
    [InlineData("""{"num_labels":0}""", "there are 0 labels")]
    [InlineData("""{"problem_type":"multi_label_classification"}""", "problem_type is 'multi_label_classification'")]
    [InlineData("""{"problem_type":"regression"}""", "problem_type is 'regression' and there are 2 labels")]
    public void Labels_that_contradict_each_other_are_refused(string keys, string message)
    {
        Edit(keys);
        var error = Assert.Throws<UserErrorException>(() => HuggingFaceFolder.LoadConfig(Model));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mean_over_tokens_is_kept_in_a_layout_of_our_own()
    {
        var config = Llama with { Head = ClassHead.Of(2, Pooling.Mean) };
        Save(config);
        Assert.Equal(config, HuggingFaceFolder.LoadConfig(Model));
        var gpt2 = SmallModels.All["gpt2"] with { Head = ClassHead.Of(2, Pooling.Mean) };
        Save(gpt2);
        Assert.Equal("sequence-classifier", Json()["model_type"]!.GetValue<string>());
        Assert.Equal(gpt2, HuggingFaceFolder.LoadConfig(Model));
    }

    [Fact]
    public void A_language_model_goes_on_under_a_new_head()
    {
        Save(Llama);
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var scalar = (ScalarDecoder)TrainableModel.LoadUnder(new ScalarHead(), Model, Compute.Host(), seed: 5);
        using var language = LanguageDecoder.Load(Model, Compute.Host());
        var tokens = TorchSharp.torch.tensor([3L, 5, 7], [1, 3]);
        float[] Numbers(TorchSharp.torch.Tensor values) => values.contiguous().data<float>().ToArray();
        Assert.Equal(Numbers(language.LastHiddenStates(tokens)), Numbers(scalar.LastHiddenStates(tokens)));
        Assert.NotEqual(0, scalar.Rewards(tokens).item<float>());
    }

    [Fact]
    public void What_wants_tokens_refuses_scores_and_what_wants_scores_refuses_tokens()
    {
        Save(Llama);
        Assert.Contains("one number", Refusal(() => ScalarModel.Load(Model)), StringComparison.Ordinal);
        Assert.Contains("does not classify", Refusal(() => ClassModel.Load(Model)), StringComparison.Ordinal);
        Save(Llama with { Head = new ScalarHead() });
        Assert.Contains("cannot continue", Refusal(() => ModelFolder.LoadModel(Model)), StringComparison.Ordinal);
        Assert.Contains("cannot continue", Refusal(() => LanguageDecoder.Load(Model, Compute.Host())), StringComparison.Ordinal);
        using var model = ScalarModel.Load(Model);
        Assert.True(float.IsFinite(model.Reward([1, 2, 3])));
    }

    private static string Refusal(Func<IDisposable> load) => Assert.Throws<UserErrorException>(() => load().Dispose()).Message;

    private JsonObject Json() => JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "config.json")))!.AsObject();

    /// <summary>A Llama classifier's config.json with these keys and no others about its labels.</summary>
    private void Edit(string keys)
    {
        Save(Llama with { Head = new ScalarHead() });
        var json = Json();
        foreach (var key in new[] { "id2label", "label2id", "problem_type" }) json.Remove(key);
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject()) json[key] = value!.DeepClone();
        File.WriteAllText(Path.Combine(Model, "config.json"), json.ToJsonString());
    }

    private void Save(DecoderConfig config)
    {
        using var model = TrainableModel.Build(config, Compute.Host());
        model.Parameters.Initialize(3);
        HuggingFaceFolder.Save(Model, config,
            model.Export().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, tensor.Values)),
            new ModelCard("Test model", "Random weights."), new SpecialTokenIds(1, 2, 0, null), []);
    }
}
