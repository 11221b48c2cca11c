using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Dolmen.Serving;

/// <summary>What the server measures, under vLLM's names, so that its dashboards work; each with the label <c>model_name</c>. Names are
/// written with a dot, which instruments may have, where vLLM's have a colon: see <see cref="PrometheusNames"/>.</summary>
internal sealed class ServerMetrics : IDisposable
{
    private static readonly double[] Seconds =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640];

    private static readonly double[] Tokens = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

    private static int _servers;

    private readonly ConcurrentDictionary<string, ModelMetrics> _models = new(StringComparer.Ordinal);
    private readonly Meter _meter;

    public ServerMetrics()
    {
        // Listeners find meters by name, and a process may have several servers.
        _meter = new Meter($"Dolmen.Serving.{Interlocked.Increment(ref _servers)}");
        Gauge("num_requests_running", "Requests that are answered.", model => model.Running);
        Gauge("num_requests_waiting", "Requests that wait for their turn.", model => model.Waiting);
        Gauge("kv_cache_usage_perc", "Share of the memory for states that is in use, 1 for all of it.", model => model.StateShare);
        Counter("prompt_tokens", "Tokens of prompts.", model => model.PromptTokens);
        Counter("generation_tokens", "Tokens that were generated.", model => model.GenerationTokens);
        Counter("prefix_cache_queries", "Prompt tokens that were looked up.", model => model.PromptTokens);
        Counter("prefix_cache_hits", "Prompt tokens that were found computed.", model => model.CachedTokens);
        Counter("num_preemptions", "Texts that gave up their state because memory was short.", model => model.Preemptions);
        Counter("spec_decode_num_draft_tokens", "Tokens that were guessed.", model => model.DraftedTokens);
        Counter("spec_decode_num_accepted_tokens", "Guessed tokens that were right.", model => model.AcceptedTokens);
        Finished = _meter.CreateCounter<long>("vllm.request_success", description: "Texts that ended, by finished_reason.");
        FirstToken = Time("time_to_first_token", "From a request's arrival to its first token.");
        InterToken = Time("inter_token_latency", "Between two pieces of a stream.");
        OutputToken = Time("request_time_per_output_token", "Mean time of a text's tokens after the first.");
        Whole = Time("e2e_request_latency", "From a request's arrival to the end of a text.");
        Queue = Time("request_queue_time", "From a request's arrival to its turn.");
        Prefill = Time("request_prefill_time", "Computing the prompt.");
        Decode = Time("request_decode_time", "Computing the text.");
        PromptLength = Length("request_prompt_tokens", "Tokens of a prompt.");
        TextLength = Length("request_generation_tokens", "Tokens of a text.");
    }

    public string MeterName => _meter.Name;

    public Counter<long> Finished { get; }

    public Histogram<double> FirstToken { get; }

    public Histogram<double> InterToken { get; }

    public Histogram<double> OutputToken { get; }

    public Histogram<double> Whole { get; }

    public Histogram<double> Queue { get; }

    public Histogram<double> Prefill { get; }

    public Histogram<double> Decode { get; }

    public Histogram<double> PromptLength { get; }

    public Histogram<double> TextLength { get; }

    /// <summary>Counts go on where a model was dropped and loaded again.</summary>
    public ModelMetrics Of(string model) => _models.GetOrAdd(model, _ => new ModelMetrics(this, model));

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string description, Func<ModelMetrics, double> value) =>
        _meter.CreateObservableGauge($"vllm.{name}", () => All(value), description: description);

    private void Counter(string name, string description, Func<ModelMetrics, double> value) =>
        _meter.CreateObservableCounter($"vllm.{name}", () => All(value), description: description);

    private Histogram<double> Time(string name, string description) => Histogram(name, "s", description, Seconds);

    private Histogram<double> Length(string name, string description) => Histogram(name, null, description, Tokens);

    private Histogram<double> Histogram(string name, string? unit, string description, double[] bounds) => _meter.CreateHistogram(
        $"vllm.{name}", unit, description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    private IEnumerable<Measurement<double>> All(Func<ModelMetrics, double> value) =>
        _models.Values.Select(model => new Measurement<double>(value(model), model.Label));
}
