using System.Net;
using System.Net.Sockets;

namespace Dolmen.Artifacts;

/// <summary>Tries again what a network may fail at once: longer pauses each time.</summary>
public static class Retry
{
    private const int Attempts = 6;

    public static bool IsPassing(HttpStatusCode status) => (int)status is 408 or 429 or >= 500;

    public static bool IsPassing(Exception error) => error is HttpRequestException or IOException or SocketException;

    public static async Task<T> RunAsync<T>(Func<Task<T>> attempt, TimeSpan firstPause, CancellationToken stop)
    {
        for (var failed = 0; ; failed++)
        {
            try
            {
                return await attempt();
            }
            catch (Exception error) when (IsPassing(error) && failed + 1 < Attempts)
            {
                await PauseAsync(failed, firstPause, stop);
            }
        }
    }

    /// <summary>Each pause is twice as long as the one before, and no shorter than what the server asks for.</summary>
    public static Task PauseAsync(int failed, TimeSpan first, CancellationToken stop, TimeSpan asked = default)
    {
        var pause = first * Math.Pow(2, failed);
        return Task.Delay(asked > pause ? asked : pause, stop);
    }

    public static bool IsLast(int failed) => failed + 1 >= Attempts;
}
