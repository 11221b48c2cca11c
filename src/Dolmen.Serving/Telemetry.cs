using System.Diagnostics;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Dolmen.Serving;

/// <summary>Hands measurements and traces to OpenTelemetry. Traces are made only where someone collects them (<c>--otlp</c>).</summary>
internal static class Telemetry
{
    private const string SourceName = "Dolmen.Serving";

    private static readonly AsyncLocal<ActivityContext> Caller = new();
    private static readonly ActivitySource Source = new(SourceName);

    public static void Add(IServiceCollection services, ServerMetrics metrics, Uri? collector)
    {
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("dolmen"));
        telemetry.WithMetrics(builder =>
        {
            builder.AddMeter(metrics.MeterName).AddPrometheusExporter(exporter =>
            {
                (exporter.ScopeInfoEnabled, exporter.TargetInfoEnabled) = (false, false);
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
            });
            if (collector is not null) builder.AddOtlpExporter(exporter => To(exporter, collector, "v1/metrics"));
        });
        if (collector is null) return;
        telemetry.WithTracing(builder =>
            builder.AddSource(SourceName).AddOtlpExporter(exporter => To(exporter, collector, "v1/traces")));
    }

    /// <summary>Remembers the trace that the client's request is part of.</summary>
    public static Task Follow(HttpContext http, Func<Task> next)
    {
        var headers = http.Request.Headers;
        if (Source.HasListeners() && ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var caller))
            Caller.Value = caller;
        return next();
    }

    /// <summary>A span of one request by the conventions for generative AI; null where nobody collects.</summary>
    public static Activity? Start(CompletionRequest request)
    {
        if (!Source.HasListeners()) return null;
        var operation = request.Chat ? "chat" : "text_completion";
        var span = Source.StartActivity($"{operation} {request.Model}", ActivityKind.Server, Caller.Value);
        span?.SetTag("gen_ai.operation.name", operation).SetTag("gen_ai.provider.name", "dolmen")
            .SetTag("gen_ai.request.model", request.Model).SetTag("gen_ai.request.choice.count", request.Choices)
            .SetTag("gen_ai.request.max_tokens", request.Generation.MaxTokens)
            .SetTag("gen_ai.request.temperature", request.Generation.Sampling.Temperature)
            .SetTag("gen_ai.request.top_p", request.Generation.Sampling.TopP);
        return span;
    }

    /// <summary>What came of it.</summary>
    public static void Finish(Activity? span, CompletionRequest request, IReadOnlyList<GenerationResult> results)
    {
        if (span is null) return;
        span.SetTag("gen_ai.usage.input_tokens", request.Prompts.Sum(prompt => prompt.Tokens.Length))
            .SetTag("gen_ai.usage.output_tokens", results.Sum(result => result.Tokens.Length))
            .SetTag("gen_ai.response.finish_reasons",
                results.Select(result => result.FinishReason == FinishReason.Stop ? "stop" : "length").ToArray());
        if (results.Count == 0) return;
        // vLLM's name; the texts of a request begin together, and the longest ends with it.
        var whole = DateTime.UtcNow - span.StartTimeUtc;
        span.SetTag("gen_ai.latency.time_to_first_token",
            Math.Max(0, whole.TotalSeconds - results.Max(result => result.Statistics.DecodeSeconds)));
    }

    public static void Fail(Activity? span, Exception error) =>
        span?.SetStatus(ActivityStatusCode.Error)
            .SetTag("error.type", (error as ApiErrorException)?.Error.Code ?? error.GetType().FullName);

    /// <exception cref="UserErrorException">Not an address of HTTP.</exception>
    public static void Validate(Uri? collector)
    {
        if (collector is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }) return;
        throw new UserErrorException($"--otlp is '{collector}': it must be a collector's address, such as http://127.0.0.1:4318.");
    }

    private static void To(OtlpExporterOptions exporter, Uri collector, string path)
    {
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new Uri(collector.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
