namespace Dolmen.Benchmarks;

/// <summary>Takes one core of the machine until it is disposed, as another program would.</summary>
internal sealed class BusyCore : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _stopped;

    public BusyCore()
    {
        _thread = new Thread(() =>
        {
            while (!_stopped) Thread.SpinWait(1000);
        }) { IsBackground = true, Name = "busy core" };
        _thread.Start();
    }

    public void Dispose()
    {
        _stopped = true;
        _thread.Join();
    }
}
