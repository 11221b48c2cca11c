using Dolmen.Modeling;
using Dolmen.Tokenization;
using static TorchSharp.torch;

namespace Dolmen.Training.Pretraining;

/// <summary>Next-token prediction over windows of the packed shard. Every epoch cuts the windows at another offset, so that a window's
/// border falls elsewhere each time.</summary>
public sealed class NextTokenTask : TrainingTask
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
            throw new Artifacts.UserErrorException($"training.contextLength is {length} but the corpus has only {_train.Length:N0} tokens: " +
                $"a window needs {2 * length + 1:N0}. Use a shorter context or more text.");
        }
        _rowsPerStep = recipe.BatchTokens / length;
        _rowsPerMicroBatch = Math.Clamp(training.MicroBatchTokens / length, 1, _rowsPerStep);
        Steps = (int)Math.Max(1, (recipe.TotalTokens > 0 ? recipe.TotalTokens : (long)_windows * length) / recipe.BatchTokens);
        _order = new DataOrder(_windows, seed);
        _bytesPerToken = MeanBytesPerToken();
    }

    public override string Stage => "pretrain";

    public override int Steps { get; }

    public override long TokensAfter(int steps) => (long)steps * _rowsPerStep * _training.ContextLength;

    public override StepResult Accumulate(TrainableModel model, int step)
    {
        var loss = 0.0;
        for (var done = 0; done < _rowsPerStep; done += _rowsPerMicroBatch)
        {
            var rows = Math.Min(_rowsPerMicroBatch, _rowsPerStep - done);
            var batch = new TokenBatch(rows, _training.ContextLength);
            for (var row = 0; row < rows; row++) Window(batch, row, (long)step * _rowsPerStep + done + row);
            loss += batch.Backward(model, 1.0 / (_rowsPerStep * _training.ContextLength), first: done == 0);
        }
        return new StepResult(loss, [.. model.LastMetrics()]);
    }

    public override double? BitsPerByte(double loss) => loss / Math.Log(2) / _bytesPerToken;

    public override Validation Validate(TrainableModel model)
    {
        using var noGradient = no_grad();
        var length = _training.ContextLength;
        var tokens = new int[length + 1];
        var (nats, targets, bytes) = (0.0, 0L, 0L);
        var limit = Math.Min(_validation.Length, _training.ValidationTokens);
        for (long start = 0; start + 1 < limit; start += length)
        {
            using var scope = NewDisposeScope();
            var row = tokens.AsSpan(0, (int)Math.Min(length + 1, limit - start));
            _validation.Read(start, row);
            var batch = new TokenBatch(1, row.Length - 1);
            batch.SetRow(0, row, [], _tokenizer.Special.Pad);
            nats += model.Loss(batch.Inputs(), batch.Targets(), 1).item<float>();
            targets += row.Length - 1;
            foreach (var token in row[1..]) bytes += TextBytes(token);
        }
        if (targets == 0) return new Validation(double.NaN, null, null);
        return new Validation(nats / targets, bytes == 0 ? null : nats / Math.Log(2) / bytes, Sample(model));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _train.Dispose();
        _validation.Dispose();
    }

    private void Window(TokenBatch batch, int row, long position)
    {
        var length = _training.ContextLength;
        var offset = (long)(new Artifacts.StableRandom(_seed + (ulong)_order.EpochOf(position)).NextUInt64() % (ulong)length);
        var tokens = new int[length + 1];
        _train.Read(_order.At(position) * (long)length + offset, tokens);
        batch.SetRow(row, tokens, [], _tokenizer.Special.Pad);
    }

    /// <summary>Greedy, without a cache: a few dozen short passes a validation.</summary>
    private string? Sample(TrainableModel model)
    {
        if (_training.SampleTokens == 0) return null;
        List<int> tokens = [.. _tokenizer.EncodePrompt(_training.SamplePrompt)];
        var prompt = tokens.Count;
        while (tokens.Count < Math.Min(prompt + _training.SampleTokens, _training.ContextLength))
        {
            using var scope = NewDisposeScope();
            var logits = model.Logits(tensor([.. tokens.Select(token => (long)token)], [1, tokens.Count]));    // (1, T, V)
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
