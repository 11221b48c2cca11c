using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Serving;

namespace Dolmen.Tests.Serving;

/// <summary>Who has no key gets nothing but that the server is there.</summary>
public class Keys
{
    private static readonly ServerOptions Two = new(Keys: ["first-key", "second-key"], CorsOrigins: ["https://chat.example"]);

    [Theory]
    [InlineData("Authorization", "Bearer first-key", 200)]
    [InlineData("Authorization", "bearer second-key", 200)]
    [InlineData("X-Api-Key", "second-key", 200)]
    [InlineData("Authorization", "Bearer first-key2", 401)]
    [InlineData("Authorization", "Bearer first-ke", 401)]
    [InlineData("Authorization", "Bearer FIRST-KEY", 401)]
    [InlineData("Authorization", "Bearer ", 401)]
    [InlineData("Authorization", "Basic first-key", 401)]
    [InlineData("Authorization", "first-key", 401)]
    [InlineData("X-Api-Key", "", 401)]
    [InlineData(null, null, 401)]
    public async Task A_request_needs_one_of_the_keys(string? header, string? value, int status)
    {
        await using var server = await RunningServer.Start(options: Two);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent("""{"prompt":"a","max_tokens":1}""", Encoding.UTF8, "application/json"),
        };
        if (header is not null) request.Headers.TryAddWithoutValidation(header, value);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 200) return;
        Assert.Equal(0, server.Model.TokensFed);
        Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_api_key\"", body);
        Assert.DoesNotContain("first-ke", body + string.Concat(server.Log));
    }

    [Theory]
    [InlineData("GET", "/health", 200)]
    [InlineData("HEAD", "/health", 200)]
    [InlineData("POST", "/health", 401)]
    [InlineData("GET", "/metrics", 401)]
    [InlineData("GET", "/v1/models", 401)]
    [InlineData("GET", "/page/../metrics", 401)]
    [InlineData("GET", "/page/%2e%2e/metrics", 401)]
    [InlineData("GET", "/health/../metrics", 401)]
    [InlineData("GET", "//metrics", 401)]
    [InlineData("GET", "/METRICS", 401)]
    [InlineData("GET", "/nowhere", 401)]
    public async Task Only_health_is_open(string method, string path, int status)
    {
        await using var server = await RunningServer.Start(options: Two);
        var address = new Uri(server.Address.GetLeftPart(UriPartial.Authority) + path,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new HttpMethod(method), address);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_browser_s_question_needs_none()
    {
        await using var server = await RunningServer.Start(options: Two);
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        request.Headers.Add("Origin", "https://chat.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Contains("Authorization", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Headers")));
    }

    [Fact]
    public async Task Without_keys_any_is_taken()
    {
        await using var server = await RunningServer.Start();
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "whatever");
        Assert.Equal(HttpStatusCode.OK, (await server.Post("/v1/completions", """{"prompt":"a","max_tokens":1}""")).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("schlüssel")]
    [InlineData("line\n")]
    public void A_key_that_no_header_can_bring_is_refused(string key) =>
        Assert.Contains("visible ASCII", Assert.Throws<UserErrorException>(new ServerOptions(Keys: [key]).Validate).Message);
}
