using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Evaluation.Tasks;

/// <summary>Asks a model as a user would, greedily: messages that wait for their answers, all generated together.</summary>
internal sealed class GreedyAnswers(EvaluationInput input) : IDisposable
{
    private readonly Scheduler _scheduler = new(input.Model, input.Tokenizer);
    private readonly List<(Generation? Generation, Action<string> Take)> _asked = [];

    public int Asked => _asked.Count;

    public int TooLong => _asked.Count(one => one.Generation is null);

    /// <param name="take">Gets the answer, unless prompt and answer do not fit the context.</param>
    /// <returns>Whether they do.</returns>
    public bool Ask(string message, int maxTokens, Action<string> take)
    {
        var prompt = ChatFormat.TokenizePrompt(input.Tokenizer, [new ChatMessage("user", message)]);
        var fits = prompt.Length + maxTokens <= input.Model.Config.ContextLength;
        var options = new GenerationOptions(SamplingOptions.Greedy, maxTokens);
        _asked.Add((fits ? _scheduler.Submit(new GenerationRequest(prompt, options), input.Stop) : null, take));
        return fits;
    }

    /// <summary>Generates all answers and hands them over in the order of the questions.</summary>
    public void Complete(string task)
    {
        for (var i = 0; i < _asked.Count; i++)
        {
            var (generation, take) = _asked[i];
            while (generation is { Result.IsCompleted: false })
            {
                _scheduler.Step();
                input.Stop.ThrowIfCancellationRequested();
            }
            if (generation is not null) take(input.Tokenizer.Decode(generation.Result.GetAwaiter().GetResult().Tokens));
            input.Progress.Report(new StageProgress("evaluation", i + 1, _asked.Count, "answers", task));
        }
    }

    public void Dispose() => _scheduler.Dispose();
}
