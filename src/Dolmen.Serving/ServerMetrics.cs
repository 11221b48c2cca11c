using System.Text;
using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>Counters in Prometheus' text format under vLLM's names, so that its dashboards work.</summary>
internal sealed class ServerMetrics(string model)
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
        }
    }

    public string Text()
    {
        var text = new StringBuilder();
        var label = model.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
        void Metric(string name, string type, params (string Suffix, double Value)[] samples)
        {
            text.Append($"# TYPE vllm:{name} {type}\n");
            foreach (var (suffix, value) in samples) text.Append($"vllm:{name}{suffix}{{model_name=\"{label}\"}} {value:R}\n");
        }
        lock (_gate)
        {
            Metric("num_requests_running", "gauge", ("", _running));
            Metric("num_requests_waiting", "gauge", ("", _waiting));
            Metric("prompt_tokens_total", "counter", ("", _promptTokens));
            Metric("prefix_cache_queries_total", "counter", ("", _promptTokens));
            Metric("prefix_cache_hits_total", "counter", ("", _cachedTokens));
            Metric("num_preemptions_total", "counter", ("", _scheduler?.Statistics.Preemptions ?? 0));
            Metric("generation_tokens_total", "counter", ("", _generationTokens));
            Metric("request_prefill_time_seconds", "summary", ("_sum", _prefillSeconds), ("_count", _finished));
            Metric("request_decode_time_seconds", "summary", ("_sum", _decodeSeconds), ("_count", _finished));
        }
        return text.ToString();
    }
}
