using System.Diagnostics;
using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>What is measured of one model.</summary>
internal sealed class ModelMetrics(ServerMetrics server, string model)
{
    private readonly Lock _gate = new();
    private Scheduler? _scheduler;
    private long _stateBytes = 1;
    private long _preemptionsBefore;

    public KeyValuePair<string, object?> Label { get; } = new("model_name", model);

    public int Running { get; private set; }

    public int Waiting { get; private set; }

    public long PromptTokens { get; private set; }

    public long CachedTokens { get; private set; }

    public long GenerationTokens { get; private set; }

    public long DraftedTokens { get; private set; }

    public long AcceptedTokens { get; private set; }

    public long Preemptions
    {
        get
        {
            lock (_gate) return _preemptionsBefore + (_scheduler?.Statistics.Preemptions ?? 0);
        }
    }

    public double StateShare
    {
        get
        {
            lock (_gate) return (double)(_scheduler?.Statistics.StateBytes ?? 0) / _stateBytes;
        }
    }

    /// <summary>Reports what the scheduler says of memory from now on.</summary>
    public void Follow(Scheduler scheduler, long stateBytes)
    {
        lock (_gate)
        {
            _preemptionsBefore = Preemptions;
            (_scheduler, _stateBytes) = (scheduler, stateBytes);
        }
    }

    /// <summary>The model was dropped: what was counted stays, its memory is given back.</summary>
    public void Unfollow(Scheduler scheduler)
    {
        lock (_gate)
        {
            if (_scheduler != scheduler) return;                         // it was loaded again already
            _preemptionsBefore = Preemptions;
            _scheduler = null;
        }
    }

    public void AddRunning(int change)
    {
        lock (_gate) Running += change;
    }

    public void AddWaiting(int change)
    {
        lock (_gate) Waiting += change;
    }

    /// <summary>Between two pieces of a stream, from one time stamp to now.</summary>
    public void AddPiece(long since) => server.InterToken.Record(Stopwatch.GetElapsedTime(since).TotalSeconds, Label);

    /// <param name="arrived">Time stamp of the request.</param>
    /// <param name="started">Time stamp of the text's turn.</param>
    public void AddFinished(GenerationResult result, long arrived, long started)
    {
        var (statistics, prompt) = (result.Statistics, result.Statistics.PrefillTokens + result.Statistics.CachedTokens);
        lock (_gate)
        {
            PromptTokens += prompt;
            CachedTokens += statistics.CachedTokens;
            GenerationTokens += result.Tokens.Length;
            DraftedTokens += statistics.DraftedTokens;
            AcceptedTokens += statistics.AcceptedTokens;
        }
        var queue = Stopwatch.GetElapsedTime(arrived, started).TotalSeconds;
        var reason = new KeyValuePair<string, object?>("finished_reason", result.FinishReason == FinishReason.Stop ? "stop" : "length");
        server.Finished.Add(1, Label, reason);
        server.Queue.Record(queue, Label);
        server.Prefill.Record(statistics.PrefillSeconds, Label);
        server.Decode.Record(statistics.DecodeSeconds, Label);
        server.FirstToken.Record(queue + statistics.PrefillSeconds, Label);
        server.Whole.Record(Stopwatch.GetElapsedTime(arrived).TotalSeconds, Label);
        server.PromptLength.Record(prompt, Label);
        server.TextLength.Record(result.Tokens.Length, Label);
        if (result.Tokens.Length > 1) server.OutputToken.Record(statistics.DecodeSeconds / (result.Tokens.Length - 1), Label);
    }
}
