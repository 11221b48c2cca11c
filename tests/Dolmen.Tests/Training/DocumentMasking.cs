using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using Dolmen.Training;
using Dolmen.Training.Pretraining;
using static TorchSharp.torch;

namespace Dolmen.Tests.Training;

/// <summary>Pretraining on rows of several documents, as one stream or each document by itself.</summary>
public sealed class DocumentMasking : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Documents_of_a_row_are_read_one_by_one_when_asked()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var model = new LanguageDecoder(_run.Model, Compute.Host());
        model.Parameters.Initialize(3);
        using var task = Task(masked: true);
        using var shard = TokenShard.Open(Path.Combine(_run.TokensDirectory, "val.bin"), _run.Tokenizer.VocabSize);
        var (nats, targets) = (0.0, 0);
        const int Length = 32;
        var tokens = new int[(int)shard.Length];
        shard.Read(0, tokens);
        int[] starts = [.. Enumerable.Range(0, tokens.Length).Where(t => t == 0 || tokens[t] == _run.Tokenizer.Special.Bos), tokens.Length];
        foreach (var (from, to) in starts.Zip(starts[1..]))
        {
            // Pieces of a document that share one token, each as a batch of its own.
            for (var start = from; start + 1 < to; start += Length)
            {
                var end = Math.Min(to, start + Length + 1);
                Tensor Of(int first, int last) => tensor([.. tokens[first..last].Select(id => (long)id)], [1, last - first]);
                nats += model.Loss(Of(start, end - 1), Of(start + 1, end), 1).item<float>();
                targets += end - start - 1;
            }
        }
        Assert.Equal(nats / targets, task.Validate(model)!.Loss, 1e-5);
        using var stream = Task(masked: false);
        Assert.Equal(nats / targets, stream.Validate(model)!.Loss, 1e-5);
    }

    [Fact]
    public void A_model_learns_from_masked_documents_too()
    {
        var outcome = _run.Pretrain("masked", 60, training: TinyRun.Recipe with { DocumentMasking = true });
        Assert.True(outcome.Loss < 0.7 * Math.Log(_run.Model.VocabSize), $"loss {outcome.Loss:0.000}");
    }

    [Theory]
    [InlineData(new[] { 5, 6, 1, 0, 7, 1 }, 0, 1, new[] { 0, 3, 6 })]
    [InlineData(new[] { 0, 6, 1, 0, 7, 0 }, 0, 1, new[] { 0, 3, 5, 6 })]
    [InlineData(new[] { 0, 6, 0, 0, 7, 0 }, 0, 0, new[] { 0, 3, 6 })]
    [InlineData(new[] { 6, 0, 0, 7, 0, 0 }, 0, 0, new[] { 0, 2, 5, 6 })]
    [InlineData(new[] { 5, 6, 7 }, 0, 1, new[] { 0, 3 })]
    public void A_document_begins_at_its_beginning_of_text_token(int[] tokens, int bos, int eos, int[] expected) =>
        Assert.Equal(expected, NextTokenTask.DocumentStarts(tokens, bos, eos));

    private NextTokenTask Task(bool masked) =>
        new(
            _run.TokensDirectory,
            _run.Tokenizer,
            TinyRun.Pretraining(2),
            TinyRun.Recipe with
            {
                DocumentMasking = masked,
                SampleTokens = 0,
            },
            seed: 1
        );
}
