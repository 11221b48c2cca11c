using System.Net;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Retrieval;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>Which index a model has, and when it is opened and closed.</summary>
public sealed class ModelIndexes : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_damaged_index_is_told_of_when_the_server_starts()
    {
        var file = Path.Combine(_folder.Path, "damaged.sqlite");
        File.WriteAllText(file, new string('x', 5000));
        using var model = FakeModel.OfAlphabet();
        var source = ModelSource.Of(new ServedModel("fake", model, new ByteTokenizer())) with { Documents = file };
        var error = await Assert.ThrowsAsync<UserErrorException>(() => RunningServer.Start([source]));
        Assert.Contains("--no-documents", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_are_told_the_name_of_an_index_and_not_where_it_lies()
    {
        using var model = FakeModel.OfAlphabet(1000);
        var file = Path.Combine(_folder.Path, "gone.sqlite");
        ModelSource[] sources =
        [
            ModelSource.Of(new ServedModel("a", model, new ByteTokenizer())) with { Documents = file },
            ModelSource.Of(new ServedModel("b", model, new ByteTokenizer())),
        ];
        await using var server = await RunningServer.Start(sources);
        var (status, text) = await server.Post("/v1/chat/completions",
            """{"model":"a","messages":[{"role":"user","content":"letters?"}]}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("gone.sqlite is missing", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Path.GetFileName(_folder.Path), text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_index_that_was_opened_with_a_model_is_closed_with_it()
    {
        using var model = FakeModel.OfAlphabet(1000);
        var file = SmallIndex.Write(Path.Combine(_folder.Path, DocumentIndex.FileName));
        using var own = DocumentIndex.Open(file);
        DocumentIndex opened;
        ModelSource[] sources =
        [
            ModelSource.Of(new ServedModel("a", model, new ByteTokenizer())) with { Documents = file },
            ModelSource.Of(new ServedModel("b", model, new ByteTokenizer()) { Documents = own }),
        ];
        await using (var catalog = new ModelCatalog(sources, new ServerOptions(), new ServerMetrics(), TimeProvider.System, _ => { }))
        {
            using (var lease = await catalog.Use("a", TestContext.Current.CancellationToken)) opened = lease.Served.Documents!;
            using (await catalog.Use("b", TestContext.Current.CancellationToken)) { }
        }
        Assert.Throws<ObjectDisposedException>(() => opened.Search("letters", 1));
        Assert.Single(own.Search("letters", 1));                         // the caller's stays open
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run/model")]
    [InlineData("run/sft/model")]
    public void The_index_of_a_model_is_that_of_its_run(string model)
    {
        var run = Path.Combine(_folder.Path, "run");
        Directory.CreateDirectory(Path.Combine(run, "sft", "model"));
        Directory.CreateDirectory(Path.Combine(run, "model"));
        var path = Path.Combine(_folder.Path, model);
        Assert.Null(IndexPlace.OfModel(path));
        var file = SmallIndex.Write(Path.Combine(run, "index", DocumentIndex.FileName));
        Assert.Equal(file, IndexPlace.OfModel(path));
        Assert.Equal(file, IndexPlace.Named(run));
        Assert.Equal(file, IndexPlace.Named(file));
        var error = Assert.Throws<UserErrorException>(() => IndexPlace.Named(_folder.Path));
        Assert.Contains("holds no index", error.Message, StringComparison.Ordinal);
    }
}
