using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dolmen.Serving.Page;

/// <summary>The page at <c>/</c>: hand-written files that travel inside the assembly. They hold no data: whatever the page shows, it asks
/// for over the same HTTP that other clients use.</summary>
internal static class PageFiles
{
    /// <summary>Scripts, styles, pictures and requests from this server only, nothing inline; the last two make the browser refuse text
    /// that a script would hand to its HTML parser.</summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private const string Before = "page/", Start = "index.html";

    private static readonly Lazy<FrozenDictionary<string, PageFile>> Files = new(Read);

    private static string[] Reading => [HttpMethods.Get, HttpMethods.Head];

    public static void Map(WebApplication app)
    {
        app.MapMethods("/", Reading, http => Send(http, Start));
        app.MapMethods("/page/{file}", Reading, http => Send(http, http.Request.RouteValues["file"] as string ?? ""));
    }

    /// <summary>Whether a path belongs to the page itself. It holds no secret: where keys are asked for, it is read without one.</summary>
    public static bool Owns(PathString path) => path == "/" || path.StartsWithSegments("/page");

    private static Task Send(HttpContext http, string name)
    {
        if (!Files.Value.TryGetValue(name, out var file))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        // A newer server has newer files under the same names: the browser asks each time and is told that nothing changed.
        headers.CacheControl = "no-cache";
        headers.ETag = file.Tag;
        if (IsKnown(http.Request.Headers.IfNoneMatch, file.Tag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        http.Response.ContentType = file.ContentType;
        http.Response.ContentLength = file.Bytes.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask
            : http.Response.Body.WriteAsync(file.Bytes, http.RequestAborted).AsTask();
    }

    private static bool IsKnown(IEnumerable<string?> asked, string tag) =>
        EntityTagHeaderValue.TryParseList([.. asked.OfType<string>()], out var known)
        && known.Any(one => one.Tag == "*" || one.Tag == tag);

    private static FrozenDictionary<string, PageFile> Read()
    {
        var assembly = typeof(PageFiles).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Before, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Before.Length..], name =>
            {
                using var stream = assembly.GetManifestResourceStream(name)!;
                var bytes = new byte[stream.Length];
                stream.ReadExactly(bytes);
                return new PageFile(bytes, TypeOf(name), $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..32]}\"");
            }, StringComparer.Ordinal);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"The page has a file of the unknown kind '{other}'."),
    };

    private sealed record PageFile(byte[] Bytes, string ContentType, string Tag);
}
