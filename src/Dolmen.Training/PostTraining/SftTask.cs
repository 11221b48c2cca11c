using Dolmen.Artifacts;
using Dolmen.Modeling.Architectures;
using Dolmen.Tokenization;

namespace Dolmen.Training.PostTraining;

/// <summary>Supervised fine-tuning: next-token prediction over packed conversations, counted on the assistant's tokens unless the recipe
/// says otherwise. Conversations that share a row do not see each other.</summary>
public sealed class SftTask : TrainingTask<LanguageDecoder>
{
    private readonly PackedRows _rows;
    private readonly DataOrder _order;
    private readonly TrainingRecipe _training;
    private readonly int _rowsPerStep, _rowsPerMicroBatch, _pad;

    public SftTask(string conversationsFile, Tokenizer tokenizer, SftRecipe recipe, TrainingRecipe training, ulong seed)
    {
        _training = training;
        _pad = tokenizer.Special.Pad;
        var tally = new DataTally("conversations");
        var tokens = new ConversationTokens(tokenizer, tally, recipe.LearnPrompts);
        var fit = new RowFit(training.ContextLength, training.LongRows, tally);
        var conversations = new List<TokenizedConversation>();
        foreach (var conversation in ConversationFiles.Read(conversationsFile, tally))
        {
            if (Problem(conversation) is { } problem) tally.Drop(problem, conversation.Place);
            else if (fit.Fit(tokens.Of(conversation), conversation.Place) is { } row) conversations.Add(row);
        }
        var counts = tally.RequireSome(
            conversationsFile,
            "SFT learns what the assistant says: it needs one answer at least that fits training.contextLength."
        );
        _rows = ConversationPacking.Pack(conversations, training.ContextLength, _pad, seed);
        _rowsPerStep = Math.Max(1, recipe.BatchTokens / training.ContextLength);
        _rowsPerMicroBatch = Math.Clamp(training.MicroBatchTokens / training.ContextLength, 1, _rowsPerStep);
        Steps = (int)
            Math.Max(1, (recipe.TotalTokens > 0 ? recipe.TotalTokens : (long)_rows.Rows * training.ContextLength) / recipe.BatchTokens);
        _order = new DataOrder(_rows.Rows, seed);
        Data = counts with { NotReached = Conversations(Math.Min(_rows.Rows, (long)Steps * _rowsPerStep)) };
    }

    public override DataCounts Data { get; }

    public override string Stage => "sft";

    public override int Steps { get; }

    public override long TokensAfter(int steps) => (long)steps * _rowsPerStep * _training.ContextLength;

    public override StepResult Accumulate(LanguageDecoder model, int step)
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
        if (batches.TrueForAll(batch => batch.Counted == 0))
            throw new InvalidOperationException($"Step {step + 1} of SFT has no token to learn, although every row has one.");
        return new StepResult(Batch.Backward(model, batches));
    }

    /// <summary>Why nothing can be learned from a conversation; null where its tokens tell.</summary>
    private static string? Problem(TrainingConversation conversation)
    {
        if (conversation.Text is { } text) return string.IsNullOrWhiteSpace(text.Completion) ? "completion-empty" : null;
        if (conversation.Turns.Count == 0) return "no-turns";
        var answers = conversation.Turns.Where(turn => turn.Role == "assistant").ToList();
        return answers.Count == 0 ? RowFit.NothingLearned : answers.TrueForAll(turn => turn.IsEmptyAnswer) ? "answers-empty"
            : answers.Exists(turn => turn.Learned) ? null : "no-answer-with-weight";
    }

    /// <summary>Conversations in the rows that a run of less than a pass leaves out.</summary>
    private long Conversations(long rowsReached) => Enumerable.Range(0, _rows.Rows).Skip((int)rowsReached)
        .Sum(position => _rows.SegmentStarts[_order.At(position)].Length - 1);
}
