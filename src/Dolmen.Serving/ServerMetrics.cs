using System.Collections.Concurrent;
using System.Text;
using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>Counters in Prometheus' text format under vLLM's names, so that its dashboards work.</summary>
internal sealed class ServerMetrics
{
    private readonly ConcurrentDictionary<string, ModelMetrics> _models = new(StringComparer.Ordinal);

    /// <summary>Counts go on where a model was dropped and loaded again.</summary>
    public ModelMetrics Of(string model) => _models.GetOrAdd(model, _ => new ModelMetrics());

    public string Text()
    {
        var text = new StringBuilder();
        var models = _models.OrderBy(model => model.Key, StringComparer.Ordinal)
            .Select(model => (Label: Escaped(model.Key), Samples: model.Value.Samples())).ToList();
        foreach (var (i, (name, type)) in ModelMetrics.Names.Index())
        {
            text.Append($"# TYPE vllm:{name} {type}\n");
            foreach (var (label, samples) in models)
            {
                foreach (var (suffix, value) in samples[i]) text.Append($"vllm:{name}{suffix}{{model_name=\"{label}\"}} {value:R}\n");
            }
        }
        return text.ToString();
    }

    private static string Escaped(string name) => name.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
}

/// <summary>The counters of one model.</summary>
internal sealed class ModelMetrics
{
    private readonly Lock _gate = new();
    private int _running;
    private int _waiting;
    private long _promptTokens;
    private long _cachedTokens;
    private long _generationTokens;
    private long _finished;
    private double _prefillSeconds;
    private double _decodeSeconds;
    private long _drafted;
    private long _accepted;

    private Scheduler? _scheduler;

    /// <summary>Reports what the scheduler says of memory and of prompts that were found computed.</summary>
    public void Follow(Scheduler scheduler) => _scheduler = scheduler;

    public void Running(int change)
    {
        lock (_gate) _running += change;
    }

    public void Waiting(int change)
    {
        lock (_gate) _waiting += change;
    }

    public void Finished(GenerationResult result)
    {
        lock (_gate)
        {
            _finished++;
            _promptTokens += result.Statistics.PrefillTokens + result.Statistics.CachedTokens;
            _cachedTokens += result.Statistics.CachedTokens;
            _generationTokens += result.Tokens.Length;
            _prefillSeconds += result.Statistics.PrefillSeconds;
            _decodeSeconds += result.Statistics.DecodeSeconds;
            _drafted += result.Statistics.DraftedTokens;
            _accepted += result.Statistics.AcceptedTokens;
        }
    }

    public static IReadOnlyList<(string Name, string Type)> Names { get; } =
    [
        ("num_requests_running", "gauge"), ("num_requests_waiting", "gauge"), ("prompt_tokens_total", "counter"),
        ("prefix_cache_queries_total", "counter"), ("prefix_cache_hits_total", "counter"), ("num_preemptions_total", "counter"),
        ("generation_tokens_total", "counter"), ("request_prefill_time_seconds", "summary"), ("request_decode_time_seconds", "summary"),
        ("spec_decode_num_draft_tokens_total", "counter"), ("spec_decode_num_accepted_tokens_total", "counter"),
    ];

    /// <summary>In the order of <see cref="Names"/>.</summary>
    public IReadOnlyList<(string Suffix, double Value)[]> Samples()
    {
        lock (_gate)
        {
            return
            [
                [("", _running)], [("", _waiting)], [("", _promptTokens)], [("", _promptTokens)], [("", _cachedTokens)],
                [("", _scheduler?.Statistics.Preemptions ?? 0)], [("", _generationTokens)],
                [("_sum", _prefillSeconds), ("_count", _finished)], [("_sum", _decodeSeconds), ("_count", _finished)],
                [("", _drafted)], [("", _accepted)],
            ];
        }
    }
}
