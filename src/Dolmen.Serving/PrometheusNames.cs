using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>vLLM's metrics are called <c>vllm:…</c>. OpenTelemetry leaves out instruments with a colon in their name, and its exporter
/// writes the dot of ours as an underscore: here that becomes the colon.</summary>
internal static class PrometheusNames
{
    private const string Path = "/metrics", Written = "vllm_", Meant = "vllm:";

    private static readonly string[] Before = ["", "# TYPE ", "# HELP ", "# UNIT "];

    public static async Task Rewrite(HttpContext http, Func<Task> next)
    {
        if (!http.Request.Path.StartsWithSegments(Path))
        {
            await next();
            return;
        }
        var body = http.Response.Body;
        using var written = new MemoryStream();
        http.Response.Body = written;
        try
        {
            await next();
        }
        finally
        {
            http.Response.Body = body;
        }
        var text = Rewrite(Encoding.UTF8.GetString(written.GetBuffer(), 0, (int)written.Length));
        if (http.Response.ContentLength is not null) http.Response.ContentLength = Encoding.UTF8.GetByteCount(text);
        if (text.Length > 0) await http.Response.WriteAsync(text, http.RequestAborted);
    }

    private static string Rewrite(string text)
    {
        var lines = text.Split('\n');
        foreach (ref var line in lines.AsSpan())
        {
            foreach (var before in Before)
            {
                if (!line.StartsWith(before + Written, StringComparison.Ordinal)) continue;
                line = before + Meant + line[(before.Length + Written.Length)..];
                break;
            }
        }
        return string.Join('\n', lines);
    }
}
