using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Tests.Serving;

/// <summary>What the server tells of itself: the text that Prometheus scrapes, and what a collector gets.</summary>
public class Telemetry
{
    [Fact]
    public async Task Metrics_have_vLLM_s_names_and_count()
    {
        await using var server = await RunningServer.Start();
        await server.Post("/v1/completions", """{"prompt":"abc","max_tokens":5,"temperature":0}""");
        await server.Post("/v1/completions", """{"prompt":"abc","max_tokens":5,"temperature":0,"stop":"f","stream":true}""");
        var lines = (await server.Get("/metrics")).Split('\n');
        string[] expected =
        [
            "# TYPE vllm:num_requests_running gauge", "vllm:num_requests_running{model_name=\"fake\"} 0",
            "vllm:num_requests_waiting{model_name=\"fake\"} 0",
            "# TYPE vllm:prompt_tokens_total counter", "vllm:prompt_tokens_total{model_name=\"fake\"} 8",
            "vllm:generation_tokens_total{model_name=\"fake\"} 8",
            "vllm:prefix_cache_queries_total{model_name=\"fake\"} 8",
            "vllm:num_preemptions_total{model_name=\"fake\"} 0",
            "vllm:request_success_total{finished_reason=\"length\",model_name=\"fake\"} 1",
            "vllm:request_success_total{finished_reason=\"stop\",model_name=\"fake\"} 1",
            "# TYPE vllm:time_to_first_token_seconds histogram", "vllm:time_to_first_token_seconds_count{model_name=\"fake\"} 2",
            "vllm:time_to_first_token_seconds_bucket{model_name=\"fake\",le=\"+Inf\"} 2",
            "vllm:e2e_request_latency_seconds_count{model_name=\"fake\"} 2",
            "vllm:request_queue_time_seconds_count{model_name=\"fake\"} 2",
            "vllm:request_prefill_time_seconds_count{model_name=\"fake\"} 2",
            "vllm:request_decode_time_seconds_count{model_name=\"fake\"} 2",
            "vllm:request_time_per_output_token_seconds_count{model_name=\"fake\"} 2",
            "# TYPE vllm:inter_token_latency_seconds histogram", "vllm:inter_token_latency_seconds_count{model_name=\"fake\"} 1",
            "vllm:request_generation_tokens_sum{model_name=\"fake\"} 8",
            "vllm:request_prompt_tokens_bucket{model_name=\"fake\",le=\"5\"} 2",
        ];
        foreach (var line in expected) Assert.Contains(line, lines);
        Assert.Contains(lines, line => line.StartsWith("vllm:kv_cache_usage_perc{model_name=\"fake\"} ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("vllm_") || line.Contains("otel"));
    }

    [Fact]
    public async Task A_model_s_name_is_escaped_and_servers_of_one_process_keep_apart()
    {
        await using var other = await RunningServer.Start();
        await other.Post("/v1/completions", """{"prompt":"abc","max_tokens":5}""");
        using var model = Dolmen.Tests.Fakes.FakeModel.OfAlphabet();
        var served = new ServedModel("a\"b\\c", model, new Dolmen.Tests.Fakes.ByteTokenizer());
        await using var server = await RunningServer.Start([ModelSource.Of(served)]);
        var text = await server.Get("/metrics");
        Assert.Contains("vllm:num_requests_running{model_name=\"a\\\"b\\\\c\"} 0\n", text);
        Assert.DoesNotContain("fake", text);
    }

    [Fact]
    public async Task A_path_with_a_slash_at_its_end_gives_the_same_names()
    {
        await using var server = await RunningServer.Start();
        Assert.Contains("vllm:num_requests_running{model_name=\"fake\"} 0\n", await server.Get("/metrics/"));
    }

    [Theory]
    [InlineData("POST", 405)]
    [InlineData("HEAD", 200)]
    public async Task Metrics_are_read(string method, int status)
    {
        await using var server = await RunningServer.Start();
        using var request = new HttpRequestMessage(new HttpMethod(method), "/metrics");
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_collector_gets_a_span_of_each_request()
    {
        var got = new ConcurrentQueue<(string Path, string Body)>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var collector = builder.Build();
        collector.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            got.Enqueue((http.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
        });
        await collector.StartAsync(TestContext.Current.CancellationToken);
        await using (var server = await RunningServer.Start(options: new ServerOptions(Collector: new Uri(collector.Urls.Single()))))
        {
            server.Http.DefaultRequestHeaders.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            await server.Post("/v1/completions", """{"prompt":"abc","max_tokens":5,"temperature":0}""");
            await server.Post("/v1/chat/completions", """{"messages":[{"role":"user","content":"hi"}],"max_tokens":2,"stream":true}""");
        }
        var traces = string.Concat(got.Where(one => one.Path == "/v1/traces").Select(one => one.Body));
        string[] expected =
        [
            "text_completion fake", "chat fake", "gen_ai.operation.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
            "gen_ai.latency.time_to_first_token", "gen_ai.response.finish_reasons", "length",
            Encoding.Latin1.GetString(Convert.FromHexString("0af7651916cd43dd8448eb211c80319c")),
        ];
        foreach (var text in expected) Assert.Contains(text, traces, StringComparison.Ordinal);
        Assert.Contains(got, one => one.Path == "/v1/metrics" && one.Body.Contains("vllm.generation_tokens"));
    }

    [Theory]
    [InlineData("127.0.0.1:4318")]
    [InlineData("ftp://collector")]
    public void Another_form_of_address_is_the_user_s_error(string address)
    {
        var options = new ServerOptions(Collector: new Uri(address, UriKind.RelativeOrAbsolute));
        Assert.Contains("--otlp is '", Assert.Throws<UserErrorException>(options.Validate).Message);
    }
}
