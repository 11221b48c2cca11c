using System.Threading.Channels;

namespace Dolmen.Serving;

/// <summary>What is to go to a client and has not gone yet. One that reads too slowly must not hold memory or the model: once
/// <paramref name="most"/> characters wait for it, writing fails and its texts stop.</summary>
internal sealed class StreamBuffer(int most)
{
    private readonly Channel<string> _pieces = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    private int _held;

    /// <exception cref="ApiErrorException">The client reads too slowly.</exception>
    public void Write(string piece)
    {
        if (Interlocked.Add(ref _held, piece.Length) > most) throw ApiErrorException.Refused(408, SlowReader, "slow_reader");
        _pieces.Writer.TryWrite(piece);
    }

    public void Complete() => _pieces.Writer.TryComplete();

    /// <summary>Whether there is a piece to read; false at the end.</summary>
    public ValueTask<bool> Wait(CancellationToken stop) => _pieces.Reader.WaitToReadAsync(stop);

    public async IAsyncEnumerable<string> ReadAll([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var piece in _pieces.Reader.ReadAllAsync(stop))
        {
            Interlocked.Add(ref _held, -piece.Length);
            yield return piece;
        }
    }

    private const string SlowReader = "The stream was read so slowly that the server stopped it.";
}
