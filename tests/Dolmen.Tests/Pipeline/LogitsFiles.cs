using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Pipeline;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Pipeline;

/// <summary>Logits as a file: both modes say the same, for streams and for pairs, and what cannot be computed is refused by name.</summary>
public sealed class LogitsFiles : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("jamba")]
    [InlineData("gpt2")]
    public void Both_modes_write_what_transformers_says(string name)
    {
        using var golden = new GoldenFolder(name);
        var ids = golden.Longs("input_ids", out var shape);
        var length = (int)shape[1];
        var expected = golden.Floats("logits")[..(length * golden.Config.VocabSize)];
        foreach (var mode in Enum.GetValues<LogitsMode>())
        {
            var logits = Written(golden.Path, [.. ids[..length].Select(id => (int)id)], mode, hidden: mode == LogitsMode.Parallel);
            Assert.True(expected.Zip(logits, (a, b) => Math.Abs(a - b)).Max() <= 2e-4f, $"{name} {mode}");
        }
        using var file = SafetensorsFile.Open(Path.Combine(_temp.Path, "Parallel.safetensors"));
        Assert.Equal([length, golden.Config.VocabSize], file.Find("logits")!.Shape);
        Assert.NotNull(file.Find("hidden_states.0"));
    }

    public static TheoryData<string> Pairs => ["seq2seq", "encoder-decoder"];

    [Theory, MemberData(nameof(Pairs))]
    public void Both_modes_agree_on_a_target_given_its_source(string name)
    {
        var folder = Folder(name);
        var parallel = Written(folder, [3, 7, 11, 4], LogitsMode.Parallel, source: [5, 9, 2]);
        var recurrent = Written(folder, [3, 7, 11, 4], LogitsMode.Recurrent, source: [5, 9, 2]);
        Assert.True(parallel.Zip(recurrent, (a, b) => Math.Abs(a - b)).Max() <= 1e-4f);
        Assert.NotEqual(parallel, Written(folder, [3, 7, 11, 4], LogitsMode.Parallel, source: [5, 9, 1]));
    }

    [Fact]
    public void What_cannot_be_computed_is_refused_by_name()
    {
        var (stream, pairs) = (GoldenFolder.Of("gpt2"), Folder("seq2seq"));
        Assert.StartsWith("--ids has 300: the model's vocabulary goes from 0 to 299.", Refused(stream, [1, 300]), StringComparison.Ordinal);
        Assert.StartsWith(
            "--ids has 129 tokens but the model's context is 128",
            Refused(stream, [.. Enumerable.Repeat(1, 129)]),
            StringComparison.Ordinal
        );
        Assert.StartsWith("--source goes with encoder–decoders only", Refused(stream, [1], source: [1]), StringComparison.Ordinal);
        Assert.Contains("name the source too", Refused(pairs, [1]), StringComparison.Ordinal);
        Assert.StartsWith(
            "--hidden goes with --mode parallel",
            Refused(stream, [1], LogitsMode.Recurrent, hidden: true),
            StringComparison.Ordinal
        );
    }

    private string Folder(string name)
    {
        ModelConfig config = name == "seq2seq"
            ? new Seq2SeqConfig(40, 16, 12, 8, 1, 32) : new EncoderDecoderConfig(40, 16, 1, 1, 2, 32, 32);
        using var model = TrainableModel.Build(config, Compute.Host());
        model.Parameters.Initialize(4);
        var folder = Path.Combine(_temp.Path, name);
        HuggingFaceFolder.Save(folder, config, model.Export().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, tensor.Values)),
            new Dolmen.Checkpoints.ModelCard("m", "s"), new SpecialTokenIds(1, 2, 0, null), []);
        return folder;
    }

    private float[] Written(string folder, int[] ids, LogitsMode mode, bool hidden = false, int[]? source = null)
    {
        var path = Path.Combine(_temp.Path, $"{mode}.safetensors");
        ModelLogits.Write(folder, ids, path, mode, hidden: hidden, source: source);
        using var file = SafetensorsFile.Open(path);
        var values = new float[file.Find("logits")!.Elements];
        file.Read("logits", values);
        return values;
    }

    private string Refused(string folder, int[] ids, LogitsMode mode = LogitsMode.Parallel, bool hidden = false, int[]? source = null) =>
        Assert
            .Throws<UserErrorException>(() =>
                ModelLogits.Write(folder, ids, Path.Combine(_temp.Path, "x"), mode, hidden: hidden, source: source)
            )
            .Message;
}
