using System.Net;
using Dolmen.Tests.Serving;

namespace Dolmen.PageTests;

/// <summary>The files of the page as HTTP gives them: no browser is needed.</summary>
public class PageFilesTests
{
    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/page/main.js", "text/javascript; charset=utf-8")]
    [InlineData("/page/base.css", "text/css; charset=utf-8")]
    [InlineData("/page/icon.svg", "image/svg+xml")]
    public async Task A_file_comes_with_its_type_and_a_policy_and_is_not_sent_twice(string path, string type)
    {
        await using var server = await RunningServer.Start();
        using var first = await Get(server, path, tag: null);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(type, first.Content.Headers.ContentType!.ToString());
        Assert.NotEmpty(await first.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        var policy = Assert.Single(first.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'; script-src 'self';", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.Equal("nosniff", Assert.Single(first.Headers.GetValues("X-Content-Type-Options")));
        Assert.True(first.Headers.CacheControl!.NoCache);

        var tag = first.Headers.ETag!.Tag;
        using var again = await Get(server, path, tag);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Empty(await again.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(tag, again.Headers.ETag!.Tag);
        using var newer = await Get(server, path, "\"of-another-version\"");
        Assert.Equal(HttpStatusCode.OK, newer.StatusCode);
    }

    [Theory]
    [InlineData("/page/")]
    [InlineData("/page/nothing.js")]
    [InlineData("/page/..%2fDolmen.Serving.dll")]
    [InlineData("/page/Main.js")]
    [InlineData("/index.html")]
    public async Task Nothing_else_is_there(string path)
    {
        await using var server = await RunningServer.Start();
        using var response = await Get(server, path, tag: null);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("unknown_url", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static Task<HttpResponseMessage> Get(RunningServer server, string path, string? tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (tag is not null) request.Headers.Add("If-None-Match", tag);
        return server.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
