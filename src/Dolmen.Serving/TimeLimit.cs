using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>Ends a request that takes too long, whatever it waits for: its body, a model, its turn or its texts. To everything behind this
/// it looks as if the client had gone.</summary>
internal sealed class TimeLimit(double seconds)
{
    public async Task Check(HttpContext http, Func<Task> next)
    {
        if (seconds <= 0)
        {
            await next();
            return;
        }
        var gone = http.RequestAborted;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(gone);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        http.RequestAborted = limit.Token;
        try
        {
            await next();
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !gone.IsCancellationRequested)
        {
            var error = ApiErrorException.Invalid($"The request took longer than the {seconds:0.###} seconds that this server gives one " +
                "(--max-seconds): ask for fewer tokens.", code: "time_limit_exceeded");
            if (!http.Response.HasStarted) throw error;
            if (http.Features.Get<IStreamedAnswer>() is { } answer)
                await http.Response.WriteAsync($"{answer.Failed(error.Error)}\n\n", gone);
            else http.Abort();                                           // half an answer must not look whole
        }
        finally
        {
            http.RequestAborted = gone;
        }
    }
}
