using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Pipeline.Interchange;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Pipeline;

public sealed class Interchange : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The text is what llama2.c itself says from the same files (karpathy/tinyllamas).</summary>
    [Fact]
    public void A_model_of_llama2_c_tells_its_story_word_for_word()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        var expected = File.ReadAllText(Story("expected.txt"));
        Assert.StartsWith(expected, Tell(Path("stories"), 260), StringComparison.Ordinal);
    }

    [Fact]
    public void The_story_survives_the_way_through_gguf()
    {
        ModelImport.FromLlama2C(Story("stories260K.bin"), Story("tok512.bin"), Path("stories"));
        ModelExport.ToGguf(Path("stories"), Path("stories.gguf"), stop: TestContext.Current.CancellationToken);
        var imported = ModelImport.FromGguf(Path("stories.gguf"), Path("again"), stop: TestContext.Current.CancellationToken);
        Assert.Null(imported.Note);
        Assert.Equal(File.ReadAllBytes(Path("stories/model.safetensors")), File.ReadAllBytes(Path("again/model.safetensors")));
        Assert.Equal(Tell(Path("stories"), 60), Tell(Path("again"), 60));
        Assert.Equal(TokenizerFolder.Load(Path("stories")).Encode("a little girl, 3 × Ünïcode"),
            TokenizerFolder.Load(Path("again")).Encode("a little girl, 3 × Ünïcode"));
    }

    [Fact]
    public void A_vocabulary_of_bytes_survives_the_way_through_gguf()
    {
        var tokenizer = BpeTrainer.Train(["the theme of the thesis; Größe, größer, 한국어 한국"], new TokenizerRecipe(280), new Progress<StageProgress>(),
            CancellationToken.None);
        var config = new TransformerConfig(tokenizer.VocabSize, 32, 1, 2, 2, 16, 32, 64);
        TokenizerFolder.Save(tokenizer, Path("t"), 64);
        TokenizerFolder.SaveChatTemplate("{{ messages[0]['content'] }}", Path("t"));
        HuggingFaceFolder.Save(Path("m"), config, config.Tensors().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, new float[tensor.Elements])),
            new ModelCard("m", "s"), new SpecialTokenIds(0, 1, 2, 6), Directory.GetFiles(Path("t")));
        ModelExport.ToGguf(Path("m"), Path("m.gguf"), GgmlType.Q80, TestContext.Current.CancellationToken);
        Assert.Null(ModelImport.FromGguf(Path("m.gguf"), Path("n"), stop: TestContext.Current.CancellationToken).Note);
        Assert.Equal(File.ReadAllText(Path("m/tokenizer.json")), File.ReadAllText(Path("n/tokenizer.json")));
        Assert.Equal("{{ messages[0]['content'] }}", File.ReadAllText(Path("n/chat_template.jinja")));
    }

    [Theory]
    [InlineData(0, "fewer than 28 bytes")]
    [InlineData(27, "fewer than 28 bytes")]
    [InlineData(1000, "it has 1000 bytes where its header asks for 1056540")]
    public void A_model_of_llama2_c_that_is_cut_off_is_refused(int length, string message)
    {
        File.WriteAllBytes(Path("x.bin"), File.ReadAllBytes(Story("stories260K.bin"))[..length]);
        var error = Assert.Throws<UserErrorException>(() => ModelImport.FromLlama2C(Path("x.bin"), Story("tok512.bin"), Path("x")));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path("x")));
    }

    private static string Tell(string folder, int tokens)
    {
        var (model, tokenizer) = ModelFolder.Load(folder, threads: 1);
        using var owned = model;
        return new Generator(model, tokenizer).Generate([tokenizer.Special.Bos], new GenerationOptions(SamplingOptions.Greedy, tokens)).Text;
    }

    private string Path(string name) => System.IO.Path.Combine(_folder.Path, name);

    private static string Story(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Pipeline", "Goldens", "stories260K", name);
}
