using System.Net;
using System.Net.Sockets;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Serving;

namespace Dolmen.Tests.Serving;

/// <summary>Who may use the server, and what reaches it that is not a well-formed request.</summary>
public class Sites
{
    private static readonly ServerOptions Named = new(AllowedHosts: ["box.local", "[fd00::5]"], CorsOrigins: ["https://chat.example"]);

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("LOCALHOST:99", 200)]
    [InlineData("localhost.", 200)]
    [InlineData("localhost.:8080", 200)]
    [InlineData("a.localhost", 200)]
    [InlineData("127.0.0.1:1", 200)]
    [InlineData("127.9.9.9", 200)]
    [InlineData("[::1]", 200)]
    [InlineData("[::1]:8080", 200)]
    [InlineData("[::ffff:127.0.0.1]", 200)]
    [InlineData("box.local", 200)]
    [InlineData("Box.Local.:80", 200)]
    [InlineData("[fd00::5]:80", 200)]
    [InlineData("evil.example", 403)]
    [InlineData("localhost.evil.example", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("evillocalhost", 403)]
    [InlineData("box.local.evil.example", 403)]
    [InlineData("[fd00::6]", 403)]
    [InlineData("192.0.2.1", 403)]
    [InlineData("0.0.0.0", 403)]
    [InlineData("", 403)]
    [InlineData("localhost@evil.example", 400)]
    public async Task Only_names_of_this_machine_and_named_ones_are_answered(string host, int status)
    {
        await using var server = await RunningServer.Start(options: Named);
        Assert.Equal(status, await Status(server, $"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData("GET /health HTTP/1.0\r\n\r\n", 200)]
    [InlineData("GET http://evil.example/health HTTP/1.0\r\n\r\n", 403)]
    [InlineData("GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403)]
    [InlineData("GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GET http://localhost/v1/models/fake HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200)]
    [InlineData("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200)]
    [InlineData("HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200)]
    [InlineData("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 204)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403)]
    [InlineData("DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405)]
    public async Task A_request_by_hand_gets_its_status(string request, int status)
    {
        await using var server = await RunningServer.Start();
        Assert.Equal(status, await Status(server, request));
    }

    [Theory]
    [InlineData("https://chat.example", 200)]
    [InlineData("https://CHAT.example", 200)]
    [InlineData("SELF", 200)]
    [InlineData("https://evil.example", 403)]
    [InlineData("https://chat.example.evil.example", 403)]
    [InlineData("http://chat.example", 403)]
    [InlineData("http://127.0.0.1:1", 403)]
    [InlineData("null", 403)]
    [InlineData("chrome-extension://abc", 403)]
    public async Task A_page_of_another_site_is_refused_unless_it_is_named(string origin, int status)
    {
        await using var server = await RunningServer.Start(options: Named);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent("""{"prompt":"a","max_tokens":1}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Origin", origin == "SELF" ? server.Address.GetLeftPart(UriPartial.Authority) : origin);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 200 && origin != "SELF", response.Headers.Contains("Access-Control-Allow-Origin"));
        if (status == 403) Assert.Equal(0, server.Model.TokensFed);
    }

    [Theory]
    [InlineData("/props", "cross-site", null, 403)]
    [InlineData("/slots?model=fake", "cross-site", null, 403)]
    [InlineData("/health", "cross-site", "https://chat.example", 403)]
    [InlineData("/props", "cross-site", "*", 200)]
    [InlineData("/props", "same-origin", null, 200)]
    [InlineData("/props", "none", null, 200)]
    [InlineData("/", "cross-site", null, 200)]
    public async Task A_picture_or_link_of_another_site_reaches_the_page_alone(string path, string from, string? named, int status)
    {
        await using var server = await RunningServer.Start(options: new ServerOptions(CorsOrigins: named is null ? null : [named]));
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Sec-Fetch-Site", from);
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(status == 403, body.Contains("\"code\":\"origin_not_allowed\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_browser_s_question_before_a_request_is_answered_for_named_sites()
    {
        await using var server = await RunningServer.Start(options: Named);
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        request.Headers.Add("Origin", "https://chat.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "content-type, x-stainless-os");
        using var response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal("https://chat.example", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Contains("POST", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Methods")));
        Assert.Equal("content-type, x-stainless-os", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Headers")));
        Assert.Equal("Origin", Assert.Single(response.Headers.GetValues("Vary")));
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFFFF")]
    [InlineData("7FFFFFFFFFFFFFFF")]
    [InlineData("FFFFFFFF")]
    [InlineData("80000000")]
    [InlineData("-1")]
    [InlineData("zz")]
    [InlineData("")]
    public async Task A_damaged_length_of_a_chunk_is_the_client_s_fault(string length)
    {
        await using var server = await RunningServer.Start();
        Assert.Equal(400, await Status(server, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
            $"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{length}\r\n{{}}\r\n0\r\n\r\n"));
        Assert.Empty(server.Log);
    }

    [Theory]
    [InlineData("/v1/models/", "\"object\":\"list\"")]
    [InlineData("/v1/models", "\"id\":\"a/b\"")]
    [InlineData("/v1/models/a%2Fb", "{\"id\":\"a/b\"")]
    [InlineData("/v1/models/a/b", "{\"id\":\"a/b\"")]
    [InlineData("/v1/models/f%61ke", "{\"id\":\"fake\"")]
    [InlineData("/v1/models/a%252Fb", "The model 'a%2Fb' does not exist here")]
    [InlineData("/v1/models/%C3%A9", "The model 'é' does not exist here")]
    public async Task A_path_is_decoded_once(string path, string says)
    {
        await using var server = await RunningServer.Start(alias: "a/b");
        using var response = await server.Http.GetAsync(new Uri(server.Address.GetLeftPart(UriPartial.Authority) + path,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }), TestContext.Current.CancellationToken);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("box:80", null, "--allowed-hosts is 'box:80'")]
    [InlineData("http://box", null, "--allowed-hosts is 'http://box'")]
    [InlineData(null, "chat.example", "--cors is 'chat.example'")]
    [InlineData(null, "https://chat.example/path", "--cors is 'https://chat.example/path'")]
    public void A_name_of_another_form_is_the_user_s_error(string? host, string? origin, string says)
    {
        var options = new ServerOptions(AllowedHosts: host is null ? [] : [host], CorsOrigins: origin is null ? [] : [origin]);
        Assert.Contains(says, Assert.Throws<UserErrorException>(options.Validate).Message);
    }

    private static async Task<int> Status(RunningServer server, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
        return int.Parse(line.Split(' ')[1]);
    }
}
