using System.Threading.Channels;

namespace Dolmen.Serving;

/// <summary>What is to go to a client and has not gone yet. One that reads too slowly must not hold memory or the model: where
/// <paramref name="most"/> characters wait for it already, writing fails and its texts stop. A single piece may be longer.</summary>
internal sealed class StreamBuffer(int most)
{
    private readonly Channel<(string Text, int Counted)> _pieces =
        Channel.CreateUnbounded<(string, int)>(new UnboundedChannelOptions { SingleReader = true });
    private int _held;

    /// <param name="opens">The piece is the first of its text and is not counted: those of several texts come at once, each with the
    /// prompt where that is echoed, before the client had time to read any.</param>
    /// <exception cref="ApiErrorException">The client reads too slowly.</exception>
    public void Write(string piece, bool opens = false)
    {
        var counted = opens ? 0 : piece.Length;
        if (Interlocked.Add(ref _held, counted) - counted >= most) throw ApiErrorException.Refused(408, SlowReader, "slow_reader");
        _pieces.Writer.TryWrite((piece, counted));
    }

    public void Complete() => _pieces.Writer.TryComplete();

    /// <summary>Whether there is a piece to read; false at the end.</summary>
    public ValueTask<bool> Wait(CancellationToken stop) => _pieces.Reader.WaitToReadAsync(stop);

    public async IAsyncEnumerable<string> ReadAll([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var (text, counted) in _pieces.Reader.ReadAllAsync(stop))
        {
            Interlocked.Add(ref _held, -counted);
            yield return text;
        }
    }

    private const string SlowReader = "The stream was read so slowly that the server stopped it.";
}
