using System.Net;
using System.Net.Sockets;
using Dolmen.Artifacts;

namespace Dolmen.Serving;

/// <summary>A port that is ours from the moment it is made: an occupied one is known before a model is loaded, and clients that come
/// meanwhile wait.</summary>
public sealed class BoundPort : IDisposable
{
    private const int Backlog = 128;

    private readonly Socket _socket;

    /// <param name="host">An IP address or <c>localhost</c>.</param>
    /// <param name="port">0 takes a free one.</param>
    /// <exception cref="UserErrorException">Not an address of this machine, or the port is taken or not allowed.</exception>
    public BoundPort(string host, int port)
    {
        var address = string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
            : IPAddress.TryParse(host, out var parsed) ? parsed
            : throw new UserErrorException($"--host is '{host}': it must be localhost or an IP address of this machine, such as " +
                "127.0.0.1 or 0.0.0.0.");
        if (port is < 0 or > 65535) throw new UserErrorException($"--port is {port}: it must be between 0 (a free port) and 65535.");
        _socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _socket.Bind(new IPEndPoint(address, port));
            _socket.Listen(Backlog);
        }
        catch (SocketException error)
        {
            _socket.Dispose();
            throw new UserErrorException(
                error.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => $"Port {port} on {host} is occupied by another program. Stop that one, or choose "
                        + "another with --port (0 takes a free one).",
                    SocketError.AccessDenied => $"Port {port} on {host} may not be opened by this user. Choose one above 1023 with --port "
                        + "(0 takes a free one).",
                    SocketError.AddressNotAvailable =>
                        $"--host is '{host}', which is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all its addresses.",
                    _ => $"Port {port} on {host} cannot be opened: {error.Message}. Choose another with --port (0 takes a free one).",
                },
                error
            );
        }
        EndPoint = (IPEndPoint?)_socket.LocalEndPoint ?? new IPEndPoint(address, port);
    }

    public IPEndPoint EndPoint { get; }

    public bool IsLoopback => IPAddress.IsLoopback(EndPoint.Address);

    /// <summary>How a client on this machine reaches it.</summary>
    public Uri Address => AddressFor(isTls: false);

    /// <inheritdoc cref="Address"/>
    public Uri AddressFor(bool isTls) => new($"{(isTls ? "https" : "http")}://{new IPEndPoint(Reachable, EndPoint.Port)}/");

    internal Socket Socket => _socket;

    private IPAddress Reachable =>
        EndPoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
        : EndPoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
        : EndPoint.Address;

    public void Dispose() => _socket.Dispose();
}
