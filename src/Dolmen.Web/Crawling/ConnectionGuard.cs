using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Dolmen.Web.Crawling;

/// <summary>The crawler would have to reach into a private network.</summary>
internal sealed class PrivateAddressException(string message) : IOException(message);

/// <summary>Opens connections to public addresses only. The addresses are looked up and judged for each connection, and the one that was
/// judged is the one connected to, so that a name that changes its mind gains nothing. Where a seed itself lies in a private network,
/// its own host and port may be reached at the addresses they had when the crawl began.</summary>
internal sealed class ConnectionGuard(Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;
    private readonly ConcurrentDictionary<string, IPAddress[]> _private = new(StringComparer.Ordinal);

    /// <summary>Looks the seed up and remembers whether it is private.</summary>
    /// <returns>Whether it is on this very machine; and whether it is private at all.</returns>
    public async Task<(bool IsLoopback, bool IsPrivate)> AdmitAsync(WebAddress seed, CancellationToken stop)
    {
        IPAddress[] addresses;
        try
        {
            addresses = await _resolve(Bare(seed.Host), stop);
        }
        catch (SocketException)
        {
            return (false, false);                                       // the first request will say so
        }
        var hidden = addresses.Where(address => !PublicAddress.Is(address)).ToArray();
        if (hidden.Length == 0) return (false, false);
        _private[$"{Bare(seed.Host)}:{seed.Port}"] = hidden;
        return (addresses.All(IPAddress.IsLoopback), true);
    }

    /// <exception cref="PrivateAddressException">The name leads to private addresses alone.</exception>
    public async Task<(Stream Stream, string Remote)> ConnectAsync(DnsEndPoint target, CancellationToken stop)
    {
        var name = Bare(target.Host.ToLowerInvariant().TrimEnd('.'));
        var known = _private.GetValueOrDefault($"{name}:{target.Port}", []);
        var addresses = await _resolve(name, stop);
        var open = addresses.Where(address => PublicAddress.Is(address) || known.Contains(address)).ToArray();
        if (open.Length == 0)
        {
            throw new PrivateAddressException(
                $"{target.Host} leads to {(addresses.Length > 0 ? addresses[0].ToString() : "no address")}, which is "
                    + "not on the open internet."
            );
        }
        Exception? last = null;
        foreach (var address in open)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, target.Port, stop);
                return (new NetworkStream(socket, ownsSocket: true), address.ToString());
            }
            catch (Exception error)
            {
                socket.Dispose();
                if (error is not SocketException) throw;
                last = error;
            }
        }
        throw last!;
    }

    private static string Bare(string host) => host.Trim('[', ']');
}
