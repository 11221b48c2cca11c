using System.Text;
using Dolmen.Web.Warc;

namespace Dolmen.Tests.Web.Warc;

/// <summary>Status lines as servers wrote them and archives keep them.</summary>
public class StatusLines
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("http/1.1 200 OK\r\n")]
    [InlineData("Http/1.0 200 ok\r\n")]
    [InlineData("HTTP 200 OK\r\n")]
    [InlineData("ICY 200 OK\r\n")]
    [InlineData("icy 200\r\n")]
    [InlineData(" HTTP/1.1 200 OK\r\n")]
    [InlineData("\tHTTP/1.1 200 OK\r\n")]
    [InlineData("\r\n \tHTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 200\r\n")]
    [InlineData("HTTP/1.1 200 \r\n")]
    [InlineData("HTTP/1.1\t200\tOK\r\n")]
    [InlineData("HTTP/1.1   200   OK\r\n")]
    [InlineData("HTTP/2 200\r\n")]
    [InlineData("HTTP/2 200 \n")]
    [InlineData("HTTP/3 200\r\n")]
    [InlineData("HTTP/1.1 200 OK\n")]
    [InlineData("HTTP/1.1 200; fine\r\n")]
    public void Lenient_status_lines_are_read(string line)
    {
        var ending = line.EndsWith("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        var block = Encoding.ASCII.GetBytes($"{line}Content-Type: text/html{ending}{ending}<html><body><p>menhir</p></body></html>");
        foreach (var type in new[] { "application/http; msgtype=response", "application/octet-stream" })
        {
            var (records, funnel) = WarcFile.Read(new WarcFile().Record("response", "http://example.org/menhir", type, block).Bytes());
            Assert.Equal("<html><body><p>menhir</p></body></html>", Encoding.UTF8.GetString(Assert.Single(records).Html!));
            Assert.Empty(funnel.Dropped);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 404 gone\r\n", "http-status")]
    [InlineData("ICY 401 no\r\n", "http-status")]
    [InlineData("HTTP/1.1 2000 OK\r\n", "http-header-broken")]
    [InlineData("HTTP/1.1 OK 200\r\n", "http-header-broken")]
    [InlineData("HTTPS/1.1 200 OK\r\n", "http-header-broken")]
    [InlineData("SIP/2.0 200 OK\r\n", "http-header-broken")]
    [InlineData("HTTP/1.1200 OK\r\n", "http-header-broken")]
    [InlineData("\r\n", "http-header-broken")]
    public void Others_are_counted(string line, string reason)
    {
        var block = Encoding.ASCII.GetBytes($"{line}Content-Type: text/html\r\n\r\n<p>menhir</p>");
        var (records, funnel) = WarcFile.Read(
            new WarcFile().Record("response", "http://example.org/menhir", "application/http; msgtype=response", block).Bytes()
        );
        Assert.Empty(records);
        Assert.Equal(1, funnel.Dropped[reason]);
    }

    [Fact]
    public void A_status_line_that_is_all_of_a_record_is_an_empty_page()
    {
        Assert.Equal((200, 15), (HttpMessage.Parse("HTTP/1.1 200 OK"u8)!.Status, HttpMessage.Parse("HTTP/1.1 200 OK"u8)!.BodyStart));
        Assert.Null(HttpMessage.Parse("HTTP/1.1"u8));
        Assert.Null(HttpMessage.Parse(""u8));
    }
}
