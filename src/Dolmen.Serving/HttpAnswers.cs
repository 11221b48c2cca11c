using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>Answers that are one JSON value.</summary>
internal static class HttpAnswers
{
    public static Task Json<T>(HttpContext http, T value, JsonTypeInfo<T> type)
    {
        http.Response.ContentType = "application/json";
        return http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type), http.RequestAborted).AsTask();
    }
}
