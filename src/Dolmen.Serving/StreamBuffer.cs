using System.Threading.Channels;

namespace Dolmen.Serving;

/// <summary>What is to go to a client and has not gone yet. One that reads too slowly must not hold memory or the model: where
/// <paramref name="most"/> characters wait for it already, writing fails and its texts stop. A single piece may be longer.</summary>
internal sealed class StreamBuffer(int most) : IDisposable
{
    private readonly Channel<(string Text, bool Opens)> _pieces =
        Channel.CreateUnbounded<(string, bool)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _turn = new(1);                       // of the texts that wait to be opened
    private readonly Lock _gate = new();
    private int _held, _opening;
    private TaskCompletionSource? _read;                                 // set while a text waits until an opening piece is read

    /// <exception cref="ApiErrorException">The client reads too slowly.</exception>
    public void Write(string piece)
    {
        if (Interlocked.Add(ref _held, piece.Length) - piece.Length >= most)
            throw ApiErrorException.Refused(408, SlowReader, "slow_reader");
        _pieces.Writer.TryWrite((piece, false));
    }

    /// <summary>Writes the first piece of a text. Those of several texts come at once, each with the prompt where that is echoed, before
    /// the client had time to read any: that is not slow reading, so where as much of them waits as may be held, the next is made once
    /// some was read.</summary>
    /// <param name="piece">Makes it; nothing is written where it is empty.</param>
    public async Task Open(Func<string> piece, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            while (IsFull(out var read)) await read.WaitAsync(stop);
            var text = piece();
            if (text.Length == 0) return;
            lock (_gate) _opening += text.Length;
            _pieces.Writer.TryWrite((text, true));
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Complete() => _pieces.Writer.TryComplete();

    /// <summary>Whether there is a piece to read; false at the end.</summary>
    public ValueTask<bool> Wait(CancellationToken stop) => _pieces.Reader.WaitToReadAsync(stop);

    public async IAsyncEnumerable<string> ReadAll([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var (text, opens) in _pieces.Reader.ReadAllAsync(stop))
        {
            if (opens) HasRead(text.Length);
            else Interlocked.Add(ref _held, -text.Length);
            yield return text;
        }
    }

    /// <param name="read">Ends when an opening piece was read.</param>
    private bool IsFull(out Task read)
    {
        lock (_gate)
        {
            read = Task.CompletedTask;
            if (_opening < most) return false;
            _read ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            read = _read.Task;
            return true;
        }
    }

    private void HasRead(int characters)
    {
        lock (_gate)
        {
            _opening -= characters;
            _read?.TrySetResult();
            _read = null;
        }
    }

    public void Dispose() => _turn.Dispose();

    private const string SlowReader = "The stream was read so slowly that the server stopped it.";
}
