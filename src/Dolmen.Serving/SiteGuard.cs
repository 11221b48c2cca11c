using System.Globalization;
using System.Net;
using Dolmen.Serving.Page;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dolmen.Serving;

/// <summary>
/// Keeps web pages from using the server through a visitor's browser. A page can make its own name resolve to this machine (DNS rebinding),
/// so the Host header must be a loopback name, the address the request came to, or a name that was allowed. A page of another site says so
/// in Origin and is refused unless that site was named. Named sites get the headers of CORS. Pictures and links send no Origin: there the
/// browser's word that they are of another site is enough, except for our own page, which others may link to.
/// </summary>
internal sealed class SiteGuard(ServerOptions options)
{
    private const string Any = "*", Methods = "GET, HEAD, POST, OPTIONS";

    private readonly HashSet<string> _hosts = [.. (options.AllowedHosts ?? []).Select(Plain)];
    private readonly HashSet<string> _origins = [.. (options.CorsOrigins ?? []).Select(origin => origin.TrimEnd('/').ToLowerInvariant())];

    public Task Check(HttpContext http, Func<Task> next)
    {
        var host = http.Request.Headers.Host.ToString();
        if (host.Length == 0 && Uri.TryCreate(http.Features.Get<IHttpRequestFeature>()?.RawTarget, UriKind.Absolute, out var target)
            && target.Scheme is "http" or "https") host = target.Authority;
        // Only programs of before 1997 send no Host; a browser always does.
        if (host.Length > 0 || http.Request.Protocol != "HTTP/1.0") CheckHost(http, host);
        CheckOrigin(http, host);
        if (!HttpMethods.IsOptions(http.Request.Method)) return next();
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers.Allow = Methods;
        return Task.CompletedTask;
    }

    private void CheckHost(HttpContext http, string host)
    {
        var name = Plain(Name(host));
        if (_hosts.Contains(Any) || _hosts.Contains(name) || IsLoopback(name))
            return;
        if (IPAddress.TryParse(name, out var address) && http.Connection.LocalIpAddress is { } local && Same(address, local))
            return;
        throw ApiErrorException.Refused(
            StatusCodes.Status403Forbidden,
            $"The request is for the host '{Shown(host)}', which this server does not "
                + "answer for: it answers for localhost and the address it listens on. Start it with --allowed-hosts to name others.",
            "host_not_allowed"
        );
    }

    private void CheckOrigin(HttpContext http, string host)
    {
        if (http.Request.Headers.Origin is not [{ Length: > 0 } origin, ..])
        {
            if (http.Request.Headers["Sec-Fetch-Site"] != "cross-site" || _origins.Contains(Any) || PageFiles.Owns(http.Request.Path))
                return;
            throw ApiErrorException.Refused(StatusCodes.Status403Forbidden,
                "A page of another web site may not use this server. Start it with --cors to name sites that may.", "origin_not_allowed");
        }
        if (_origins.Contains(Any) || _origins.Contains(origin.ToLowerInvariant()))
        {
            Allow(http, origin);
            return;
        }
        if (Uri.TryCreate(origin, UriKind.Absolute, out var site) && site.Scheme is "http" or "https" && SameSite(site, host)) return;
        throw ApiErrorException.Refused(StatusCodes.Status403Forbidden,
            $"The web site '{Shown(origin)}' may not use this server. Start it with --cors to name sites that may.", "origin_not_allowed");
    }

    private static void Allow(HttpContext http, string origin)
    {
        var headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.Vary = "Origin";
        if (!HttpMethods.IsOptions(http.Request.Method)) return;
        headers.AccessControlAllowMethods = Methods;
        headers.AccessControlAllowHeaders = http.Request.Headers.AccessControlRequestHeaders is { Count: > 0 } asked ? asked
            : "Authorization, Content-Type";
        headers.AccessControlMaxAge = "600";
        if (http.Request.Headers.ContainsKey("Access-Control-Request-Private-Network"))
            headers["Access-Control-Allow-Private-Network"] = "true";
    }

    /// <summary>The page came from this server, perhaps through a proxy that speaks TLS.</summary>
    private static bool SameSite(Uri site, string host)
    {
        var name = Name(host);
        var port =
            int.TryParse(
                host.AsSpan(Math.Min(host.Length, name.Length)).TrimStart(':'),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var given
            )
                ? given
            : site.Scheme == "https" ? 443
            : 80;
        return Plain(site.Host) == Plain(name) && site.Port == port;
    }

    /// <summary>Host without its port; brackets stay.</summary>
    private static string Name(string host)
    {
        var end = host.StartsWith('[') ? host.IndexOf(']') + 1 : host.IndexOf(':');
        return end > 0 ? host[..end] : host;
    }

    /// <summary>Lower case, without brackets and the dot that ends a full name.</summary>
    private static string Plain(string name)
    {
        name = name.Trim().ToLowerInvariant();
        if (name is ['[', .., ']']) return name[1..^1];
        return name.Length > 1 && name[^1] == '.' ? name[..^1] : name;
    }

    private static bool IsLoopback(string name) => name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)
        || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    private static bool Same(IPAddress a, IPAddress b) =>
        (a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a).Equals(b.IsIPv4MappedToIPv6 ? b.MapToIPv4() : b);

    private static string Shown(string text) => text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");
}
