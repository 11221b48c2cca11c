using Dolmen.Artifacts;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;
using static TorchSharp.torch;

namespace Dolmen.Training.Pretraining;

/// <summary>Next-token prediction over windows of the packed shard. Every epoch cuts the windows at another offset, so that a window's
/// border falls elsewhere each time.</summary>
public sealed class NextTokenTask : TrainingTask<LanguageDecoder>
{
    private readonly TokenShard _train, _validation;
    private readonly Tokenizer _tokenizer;
    private readonly TrainingRecipe _training;
    private readonly int _rowsPerStep, _rowsPerMicroBatch, _windows;
    private readonly DataOrder _order;
    private readonly ulong _seed;
    private readonly double _bytesPerToken;

    public NextTokenTask(string tokensDirectory, Tokenizer tokenizer, PretrainRecipe recipe, TrainingRecipe training, ulong seed)
    {
        (_tokenizer, _training, _seed) = (tokenizer, training, seed);
        _train = TokenShard.Open(Path.Combine(tokensDirectory, "train.bin"), tokenizer.VocabSize);
        _validation = TokenShard.Open(Path.Combine(tokensDirectory, "val.bin"), tokenizer.VocabSize);
        var length = training.ContextLength;
        _windows = (int)Math.Min(int.MaxValue, (_train.Length - 1) / length - 1);
        if (_windows < 1)
        {
            throw new UserErrorException($"training.contextLength is {length} but the corpus has only {_train.Length:N0} tokens: " +
                $"a window needs {2 * length + 1:N0}. Use a shorter context or more text.");
        }
        _rowsPerStep = recipe.BatchTokens / length;
        _rowsPerMicroBatch = Math.Clamp(training.MicroBatchTokens / length, 1, _rowsPerStep);
        Steps = (int)Math.Max(1, (recipe.TotalTokens > 0 ? recipe.TotalTokens : (long)_windows * length) / recipe.BatchTokens);
        _order = new DataOrder(_windows, seed);
        _bytesPerToken = MeanBytesPerToken();
        var inWindows = (long)_windows * length;
        var tally = new DataTally("tokens");
        tally.Read(_train.Length);
        tally.Use(inWindows);
        // Where the windows of a pass begin moves with every pass, so that each pass leaves out others.
        tally.Drop("outside-windows", new DataPlace("train.bin", 0), _train.Length - inWindows);
        Data = tally.ToCounts() with { NotReached = Math.Max(0, inWindows - TokensAfter(Steps)) };
    }

    public override DataCounts Data { get; }

    public override string Stage => "pretrain";

    public override int Steps { get; }

    public override long TokensAfter(int steps) => (long)steps * _rowsPerStep * _training.ContextLength;

    public override StepResult Accumulate(LanguageDecoder model, int step)
    {
        var batches = new List<Batch>();
        for (var done = 0; done < _rowsPerStep; done += _rowsPerMicroBatch)
        {
            var batch = new Batch(Math.Min(_rowsPerMicroBatch, _rowsPerStep - done), _training.ContextLength);
            for (var row = 0; row < batch.Rows; row++) Window(batch, row, (long)step * _rowsPerStep + done + row);
            batches.Add(batch);
        }
        return new StepResult(Batch.Backward(model, batches), [.. model.LastMetrics()]);
    }

    public override double? BitsPerByte(double loss) => loss / Math.Log(2) / _bytesPerToken;

    /// <summary>Every held-out document by itself, from its beginning-of-text token on, as the evaluation's bits per byte are
    /// counted.</summary>
    public override Validation? Validate(LanguageDecoder model, bool last)
    {
        using var noGradient = no_grad();
        var plan = ValidationPlan.Of(_training, TokensAfter(Steps));
        var tokens = new int[(int)Math.Min(_validation.Length, plan.Tokens)];
        _validation.Read(0, tokens);
        var rows = HeldOutRows.Of(
            tokens,
            DocumentStarts(tokens, _tokenizer.Special.Bos, _tokenizer.Special.Eos),
            _training.ContextLength + 1
        );
        var (nats, targets) = (0.0, 0L);
        foreach (var some in rows.Chunk(_rowsPerMicroBatch))
        {
            using var scope = NewDisposeScope();
            var batch = new Batch(some.Length, _training.ContextLength);
            for (var row = 0; row < some.Length; row++)
            {
                batch.SetRow(row, tokens.AsSpan(some[row].Tokens), [], _tokenizer.Special.Pad, some[row].Starts);
            }
            var device = model.Parameters.Compute.Device;
            nats += model.Loss(batch.Inputs(device), batch.Targets(device), 1, batch.Segments).item<float>();
            targets += batch.Counted;
        }
        if (targets == 0) return null;                                   // no held-out text, and so no loss of it
        var bytes = tokens.Sum(token => (long)TextBytes(token));
        var sample = last || plan.SamplesOften ? Sample(model) : null;
        return new Validation(nats / targets, bytes == 0 ? null : nats / Math.Log(2) / bytes, sample);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _train.Dispose();
        _validation.Dispose();
    }

    private void Window(Batch batch, int row, long position)
    {
        var length = _training.ContextLength;
        var offset = (long)(new StableRandom(_seed + (ulong)_order.EpochOf(position)).NextUInt64() % (ulong)length);
        var tokens = new int[length + 1];
        _train.Read(_order.At(position) * (long)length + offset, tokens);
        SetRow(batch, row, tokens);
    }

    private void SetRow(Batch batch, int row, ReadOnlySpan<int> tokens)
    {
        var special = _tokenizer.Special;
        if (_training.DocumentMasking) batch.SetRow(row, tokens, [], special.Pad, DocumentStarts(tokens, special.Bos, special.Eos));
        else batch.SetRow(row, tokens, [], special.Pad);
    }

    /// <summary>Where the documents of a window begin, and last its end. A document begins at its beginning-of-text token; what comes
    /// before the first one is the rest of a document. Vocabularies with one token for both ends of a text have it twice between documents:
    /// the second one begins the next document.</summary>
    internal static int[] DocumentStarts(ReadOnlySpan<int> tokens, int bos, int eos)
    {
        var starts = new List<int> { 0 };
        for (var t = 1; t < tokens.Length; t++)
            if (tokens[t] == bos && (bos != eos || tokens[t - 1] == eos)) starts.Add(t);
        return [.. starts, tokens.Length];
    }

    /// <summary>Greedy, without a cache: a few dozen short passes a validation.</summary>
    private string? Sample(LanguageDecoder model)
    {
        if (_training.SampleTokens == 0) return null;
        List<int> tokens = [.. _tokenizer.EncodePrompt(_training.SamplePrompt)];
        var prompt = tokens.Count;
        while (tokens.Count < Math.Min(prompt + _training.SampleTokens, _training.ContextLength))
        {
            using var scope = NewDisposeScope();
            long[] ids = [.. tokens.Select(token => (long)token)];
            var logits = model.Logits(tensor(ids, [1, tokens.Count], device: model.Parameters.Compute.Device));   // (1, T, V)
            var next = (int)logits[0, tokens.Count - 1].argmax().item<long>();
            if (_tokenizer.Ends.Contains(next)) break;
            tokens.Add(next);
        }
        return _tokenizer.Decode([.. tokens.Skip(prompt)]);
    }

    private double MeanBytesPerToken()
    {
        var tokens = new int[(int)Math.Min(_train.Length, 1 << 16)];
        _train.Read(0, tokens);
        return Math.Max(1e-9, tokens.Sum(token => (double)TextBytes(token)) / tokens.Length);
    }

    private int TextBytes(int token)
    {
        var special = _tokenizer.Special;
        return token == special.Bos || token == special.Eos || token == special.Pad ? 0 : _tokenizer.BytesOf(token).Length;
    }
}
