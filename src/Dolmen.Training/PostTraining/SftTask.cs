using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Modeling;
using Dolmen.Tokenization;

namespace Dolmen.Training.PostTraining;

/// <summary>Supervised fine-tuning: next-token prediction over packed conversations, counted on the assistant's tokens only. Conversations
/// that share a row do not see each other.</summary>
public sealed class SftTask : TrainingTask
{
    private readonly PackedRows _rows;
    private readonly DataOrder _order;
    private readonly TrainingRecipe _training;
    private readonly int _rowsPerStep, _rowsPerMicroBatch, _pad;

    public SftTask(string conversationsFile, Tokenizer tokenizer, SftRecipe recipe, TrainingRecipe training, ulong seed)
    {
        _training = training;
        _pad = tokenizer.Special.Pad;
        var conversations = PostTrainingFiles.Read(conversationsFile, PostTrainingJson.Default.Conversation)
            .Select(conversation => ChatFormat.Tokenize(tokenizer, conversation.Messages));
        _rows = ConversationPacking.Pack(conversations, training.ContextLength, _pad, seed);
        if (_rows.Rows == 0) throw new UserErrorException($"{conversationsFile} holds no conversation: SFT needs at least one.");
        _rowsPerStep = Math.Max(1, recipe.BatchTokens / training.ContextLength);
        _rowsPerMicroBatch = Math.Clamp(training.MicroBatchTokens / training.ContextLength, 1, _rowsPerStep);
        Steps = (int)Math.Max(1, (recipe.TotalTokens > 0 ? recipe.TotalTokens : (long)_rows.Rows * training.ContextLength) / recipe.BatchTokens);
        _order = new DataOrder(_rows.Rows, seed);
    }

    public override string Stage => "sft";

    public override int Steps { get; }

    public override long TokensAfter(int steps) => (long)steps * _rowsPerStep * _training.ContextLength;

    public override StepResult Accumulate(TrainableModel model, int step)
    {
        var batches = new List<Batch>();
        for (var done = 0; done < _rowsPerStep; done += _rowsPerMicroBatch)
        {
            var batch = new Batch(Math.Min(_rowsPerMicroBatch, _rowsPerStep - done), _training.ContextLength);
            for (var row = 0; row < batch.Rows; row++)
            {
                var example = _order.At((long)step * _rowsPerStep + done + row);
                batch.SetRow(row, _rows.TokensOf(example), _rows.LossMaskOf(example), _pad, _rows.SegmentStarts[example]);
            }
            batches.Add(batch);
        }
        var counted = Math.Max(1, batches.Sum(batch => batch.Counted));
        var loss = 0.0;
        for (var i = 0; i < batches.Count; i++) loss += batches[i].Backward(model, 1.0 / counted, first: i == 0);
        return new StepResult(loss);
    }
}
