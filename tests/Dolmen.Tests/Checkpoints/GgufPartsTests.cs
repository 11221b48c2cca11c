using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Tests.Checkpoints;

public sealed class GgufPartsTests : IDisposable
{
    private static readonly TransformerConfig Config = new(40, 64, 2, 4, 2, 16, 96, 128);

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _tensors;

    public GgufPartsTests()
    {
        var random = new StableRandom(3);
        var values = Config.Tensors().ToDictionary(
            tensor => tensor.Name, tensor => Enumerable.Range(0, (int)tensor.Elements).Select(_ => (float)random.NextNormal()).ToArray());
        GgufExport.Write(_folder["whole.gguf"], "m", Config, tensor => [.. values[tensor.Name]], [], GgmlType.F32);
        using var whole = GgufFile.Open(_folder["whole.gguf"]);
        _tensors = [.. whole.Tensors.Select(tensor => tensor.Name)];
        for (var part = 0; part < 3; part++) Split(part);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_split_model_is_the_whole_one_whichever_part_is_named()
    {
        using var whole = GgufModel.Open(_folder["whole.gguf"]);
        var expected = whole
            .Tensors(TestContext.Current.CancellationToken)
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());
        for (var part = 0; part < 3; part++)
        {
            using var model = GgufModel.Open(_folder[Name(part)]);
            Assert.Equal(whole.Config, model.Config);
            foreach (var tensor in model.Tensors(TestContext.Current.CancellationToken))
                Assert.Equal(expected[tensor.Name], tensor.Values.ToArray());
        }
    }

    [Theory]
    [InlineData("a part is missing", "m-00002-of-00003.gguf' does not exist")]
    [InlineData("the last part is missing", "m-00003-of-00003.gguf' does not exist")]
    [InlineData("a part is cut off", "m-00002-of-00003.gguf' is not a whole GGUF file")]
    [InlineData(
        "a part is a copy of another",
        "m-00003-of-00003.gguf' does not fit the other parts of its model: its split.no and split.count are 1 and 3"
    )]
    [InlineData("a part of another split", "split.count are 1 and 4, where 1 and 3 are due")]
    [InlineData("a part without numbers", "split.no and split.count are missing and missing")]
    [InlineData("a tensor twice", "is also in")]
    [InlineData("a tensor less", "its split.tensors.count is")]
    [InlineData("no count of tensors", "its split.tensors.count is missing")]
    [InlineData("too many parts", "one of 60000 parts; at most 512 are read")]
    [InlineData("renamed", "must be named so that the others can be found: NAME-00001-of-00003.gguf")]
    [InlineData("another number in its name", "it is part 2 of 3 and must be named")]
    [InlineData("a number beyond the count", "its split.no is 3 where split.count is 3")]
    public void Parts_that_do_not_belong_together_are_named(string what, string message)
    {
        var named = Name(0);
        switch (what)
        {
            case "a part is missing": File.Delete(_folder[Name(1)]); break;
            case "the last part is missing": File.Delete(_folder[Name(2)]); break;
            case "a part is cut off": File.WriteAllBytes(_folder[Name(1)], File.ReadAllBytes(_folder[Name(1)])[..^2000]); break;
            case "a part is a copy of another": File.Copy(_folder[Name(1)], _folder[Name(2)], overwrite: true); break;
            case "a part of another split": Split(1, count: 4, name: Name(1)); break;
            case "a part without numbers": Split(1, keys: false); break;
            case "a tensor twice": Split(1, also: _tensors[0]); break;
            case "a tensor less": Split(1, without: true); break;
            case "no count of tensors": Split(2, total: false); break;
            case "too many parts": Split(0, count: 60000, name: Name(0)); break;
            case "renamed": File.Move(_folder[Name(0)], _folder[named = "renamed.gguf"]); break;
            case "another number in its name": File.Copy(_folder[Name(1)], _folder[Name(0)], overwrite: true); break;
            default: Split(0, number: 3); break;
        }
        var error = Assert.Throws<UserErrorException>(() => GgufModel.Open(_folder[named]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("is missing;", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_part_of_one_is_a_file_of_any_name()
    {
        using var whole = GgufFile.Open(_folder["whole.gguf"]);
        GgufWriter.Write(
            _folder["one.gguf"],
            [.. whole.Metadata.Values.Select(item => (item.Key, item.Value)), ("split.count", GgufValue.Of(1u))],
            [.. whole.Tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape))],
            tensor => new float[tensor.Elements]
        );
        using var model = GgufModel.Open(_folder["one.gguf"]);
        Assert.Equal(Config, model.Config);
    }

    private static string Name(int part, int count = 3) => $"m-{part + 1:00000}-of-{count:00000}.gguf";

    /// <summary>Every third tensor; the first part has the metadata.</summary>
    private void Split(
        int part,
        int count = 3,
        string? name = null,
        int? number = null,
        bool keys = true,
        bool total = true,
        string? also = null,
        bool without = false
    )
    {
        using var whole = GgufFile.Open(_folder["whole.gguf"]);
        var tensors = whole.Tensors.Where((tensor, i) => i % 3 == part || tensor.Name == also).Skip(without ? 1 : 0);
        List<(string, GgufValue)> metadata = part == 0 ? [.. whole.Metadata.Values.Select(item => (item.Key, item.Value))] : [];
        if (keys)
        {
            metadata.Add(("split.no", GgufValue.Of((uint)(number ?? part))));
            metadata.Add(("split.count", GgufValue.Of((uint)count)));
            if (total) metadata.Add(("split.tensors.count", new GgufValue(GgufValueType.Int32, _tensors.Length)));
        }
        GgufWriter.Write(
            _folder[name ?? Name(part)],
            metadata,
            [.. tensors.Select(tensor => new GgufTensorPlan(tensor.Name, tensor.Type, tensor.Shape))],
            tensor =>
            {
                var values = new float[tensor.Elements];
                whole.Read(tensor.Name, values);
                return values;
            });
    }
}
