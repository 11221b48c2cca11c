using Dolmen.Artifacts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving.Page;

/// <summary>The model's README.md, for people; no other file of its folder can be had.</summary>
internal static class ModelCardFile
{
    private const string Name = "README.md";

    /// <summary>A longer file is not a card.</summary>
    private const int MaxBytes = 1 << 20;

    /// <summary>Of the only model, or of the one named in the query; the model need not be loaded.</summary>
    public static void Map(WebApplication app, ModelCatalog catalog) => app.MapMethods("/model-card", [HttpMethods.Get, HttpMethods.Head],
        http => Send(http, catalog.SourceOf(http.Request.Query["model"] is [{ Length: > 0 } name] ? name : null)));

    private static async Task Send(HttpContext http, ModelSource model)
    {
        var bytes = Read(model);
        http.Response.ContentType = "text/markdown; charset=utf-8";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "no-cache";
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    private static byte[] Read(ModelSource model)
    {
        var file = model.Folder is { } folder && Directory.Exists(folder) ? Path.Combine(folder, Name) : null;
        if (file is null || !File.Exists(file))
            throw ApiErrorException.Refused(
                StatusCodes.Status404NotFound, $"The model '{model.Name}' has no card: there is no {Name} in its folder.", "no_card");
        try
        {
            using var stream = RegularFile.OpenRead(file);
            if (stream.Length <= MaxBytes)
            {
                var bytes = new byte[stream.Length];
                return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or UserErrorException)
        {
            throw ApiErrorException.Refused(
                StatusCodes.Status404NotFound, $"The card of the model '{model.Name}' cannot be read.", "no_card");
        }
        throw ApiErrorException.Refused(
            StatusCodes.Status404NotFound, $"The card of the model '{model.Name}' has more than {MaxBytes >> 20} MB.", "no_card");
    }
}
