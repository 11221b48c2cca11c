using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

internal sealed record ApiError(string Message, string Type, string? Param, string? Code);

internal sealed record ApiErrorBody(ApiError Error);

/// <summary>A request that is answered with an error in OpenAI's shape.</summary>
internal sealed class ApiErrorException(int status, ApiError error) : Exception(error.Message)
{
    public int Status => status;

    public ApiError Error => error;

    public static ApiErrorException Invalid(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, new ApiError(message, "invalid_request_error", param, code));

    /// <summary>So many wait already that one more is sent away.</summary>
    public static ApiErrorException Busy(int waiting) => new(StatusCodes.Status503ServiceUnavailable,
        new ApiError($"The server is busy: {waiting} requests wait already. Try again in a moment.", "server_error", null, "overloaded"));

    public static ApiErrorException Refused(int status, string message, string? code = null) =>
        new(status, new ApiError(message, "invalid_request_error", null, code));
}

internal sealed class ApiErrors(Action<string> log)
{
    /// <summary>Whatever goes wrong before an answer has begun becomes one JSON error; nothing of our insides is told.</summary>
    public async Task Answer(HttpContext http, Func<Task> next)
    {
        try
        {
            await next();
            if (!http.Response.HasStarted && http.Response.StatusCode is 404 or 405) await Write(http, Unrouted(http));
        }
        catch (ApiErrorException error)
        {
            await Write(http, error);
        }
        catch (BadHttpRequestException error)
        {
            await Write(http, ApiErrorException.Refused(error.StatusCode, error.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? "The request body is larger than this server accepts." : error.Message));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone: there is no one to answer.
        }
        catch (Exception error) when (!http.Response.HasStarted)
        {
            log($"{http.Request.Method} {http.Request.Path} failed: {error}");
            await Write(http, new ApiErrorException(StatusCodes.Status500InternalServerError, Internal));
        }
    }

    public static ApiError Internal { get; } = new("The server failed while it answered; its log says why.", "server_error", null, null);

    private static ApiErrorException Unrouted(HttpContext http) => http.Response.StatusCode == StatusCodes.Status404NotFound
        ? ApiErrorException.Refused(404, $"There is no {http.Request.Path} here: try /v1/models, /v1/completions, /v1/chat/completions, " +
            "/health or /metrics.", "unknown_url")
        : ApiErrorException.Refused(405, $"{http.Request.Path} does not answer {http.Request.Method}.", "method_not_supported");

    private static async Task Write(HttpContext http, ApiErrorException error)
    {
        http.Response.StatusCode = error.Status;
        http.Response.ContentType = "application/json";
        if (error.Status == StatusCodes.Status401Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
        if (error.Status == StatusCodes.Status503ServiceUnavailable) http.Response.Headers.RetryAfter = "1";
        await JsonSerializer.SerializeAsync(http.Response.Body, new ApiErrorBody(error.Error), ServingJson.Plain.ApiErrorBody,
            http.RequestAborted);
    }
}
