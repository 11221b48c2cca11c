using System.Net;
using System.Net.Http.Headers;

namespace Dolmen.Web.Crawling;

/// <summary>One request and its answer.</summary>
/// <param name="Request">As sent.</param>
/// <param name="Head">Status line and headers as received, with the empty line.</param>
/// <param name="Body">What followed as received, chunks and compression not undone.</param>
/// <param name="Payload">The same with chunks undone.</param>
/// <param name="Truncated">Why the body is not whole, in the words of WARC: <c>length</c>, <c>time</c>, <c>disconnect</c>.</param>
internal sealed record Exchange(
    WebAddress Address,
    DateTimeOffset Date,
    TimeSpan Took,
    string? Ip,
    ReadOnlyMemory<byte> Request,
    ReadOnlyMemory<byte> Head,
    ReadOnlyMemory<byte> Body,
    ReadOnlyMemory<byte> Payload,
    string? Truncated,
    HttpStatusCode Code,
    HttpResponseHeaders Headers,
    HttpContentHeaders Content
)
{
    public int Status => (int)Code;

    public bool IsSuccess => Status is >= 200 and < 300;

    public bool IsRedirect => Status is 301 or 302 or 303 or 307 or 308;

    public string MediaType => Content.ContentType?.MediaType?.ToLowerInvariant() ?? "";

    public string? ETag => First(Headers, "ETag");

    public string? LastModified => First(Content, "Last-Modified");

    public string? Location => First(Headers, "Location");

    /// <summary>How long the server asks to be left alone.</summary>
    public TimeSpan? RetryAfter => Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - Date,
        _ => null,
    };

    public static string? First(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) && values.Count > 0 ? values.First() : null;
}
