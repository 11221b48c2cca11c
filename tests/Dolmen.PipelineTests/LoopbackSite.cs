using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Dolmen.PipelineTests;

/// <summary>A web site of English enough pages on a free port of this machine.</summary>
internal sealed class LoopbackSite : IDisposable
{
    private const int Pages = 60;

    private static readonly string[] Words = (
        "river harbor orchard lantern quarry meadow bridge market valley village garden window forest island castle kettle ladder marble "
            + "needle oyster pepper quiver "
        + "ribbon saddle timber umbrella velvet walnut anchor basket candle donkey engine feather glacier hammer insect jacket kitchen "
        + "lumber mirror nutmeg onion parcel "
        + "rocket summer tunnel uncle violin winter yellow zipper bottle cotton dinner editor finger guitar hollow iron jungle kernel "
        + "letter magnet nectar office planet"
    ).Split(' ');

    private static readonly string[] Links =
    [
        "of the",
        "and the",
        "with a",
        "that have to be near the",
        "to the",
        "under",
        "beside the",
        "and",
    ];

    private readonly HttpListener _listener = new();

    public LoopbackSite()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _ = Serve();
    }

    public string Url { get; }

    public void Dispose() => _listener.Close();

    private async Task Serve()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            var name = context.Request.Url?.AbsolutePath.Trim('/') ?? "";
            var html = name.Length == 0 ? Index() : int.TryParse(name, out var page) && page < Pages ? Page(page) : null;
            context.Response.StatusCode = html is null ? 404 : 200;
            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(html ?? "no such page"));
            context.Response.Close();
        }
    }

    private static string Index() =>
        $"<html lang=en><title>Index</title><body>{string.Concat(Enumerable.Range(0, Pages).Select(i => $"<a href=/{i}>{i}</a> "))}</body>"
            + $"</html>";

    private static string Page(int number)
    {
        // The same page at every visit.
        var state = (uint)number + 1;
        int Next() => (int)((state = (state * 1664525) + 1013904223) >> 16);
        string Word() => Words[Next() & 63];
        string Sentence() =>
            $"The {Word()} {Word()} {string.Join(' ', Enumerable.Range(0, 4).Select(_ => $"{Links[Next() & 7]} {Word()} {Word()}"))}.";
        var text = string.Concat(
            Enumerable.Range(0, 4).Select(_ => $"<p>{string.Join(' ', Enumerable.Range(0, 6).Select(_ => Sentence()))}</p>")
        );
        return $"<html lang=en><title>Page {number}</title><body><nav><a href=/>Home</a></nav><article><h1>Page "
            + $"{number}</h1>{text}</article></body></html>";
    }
}
