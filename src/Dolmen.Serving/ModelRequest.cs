using System.Text.Json;
using Dolmen.Artifacts;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>A request whose JSON body says which model it is for, and that model. All endpoints begin with one.</summary>
internal sealed class ModelRequest : IDisposable
{
    private readonly JsonDocument _document;
    private readonly ModelLease _lease;

    private ModelRequest(JsonDocument document, ModelLease lease) => (_document, _lease) = (document, lease);

    public JsonElement Body => _document.RootElement;

    public ServedModel Served => _lease.Served;

    public ServingEngine Engine => _lease.Engine;

    /// <exception cref="ApiErrorException">The body is not a JSON object, or the model that it names is not served.</exception>
    public static async Task<ModelRequest> Read(HttpContext http, ModelCatalog catalog)
    {
        // Browsers may post other content types to any address without asking: this keeps web pages from using a local server.
        if (!http.Request.HasJsonContentType())
        {
            throw ApiErrorException.Refused(StatusCodes.Status415UnsupportedMediaType,
                "The request needs the header 'Content-Type: application/json'.");
        }
        var document = Parse(await BytesOf(http));
        try
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw ApiErrorException.Invalid("The request body must be a JSON object.");
            var name = new RequestFields(document.RootElement).Text("model");
            return new ModelRequest(document, await catalog.Use(name, http.RequestAborted));
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    /// <summary>What <paramref name="read"/> makes of the body; what it says is wrong is the client's mistake.</summary>
    public T As<T>(Func<JsonElement, ServedModel, T> read)
    {
        try
        {
            return read(Body, Served);
        }
        catch (UserErrorException error)
        {
            throw ApiErrorException.Invalid(Served.WithoutPaths(error.Message));
        }
    }

    public void Dispose()
    {
        _lease.Dispose();
        _document.Dispose();
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonInput.Parse(body, "The request body");
        }
        catch (UserErrorException error)
        {
            throw ApiErrorException.Invalid(error.Message);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> BytesOf(HttpContext http)
    {
        using var body = new MemoryStream();
        try
        {
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        }
        catch (Exception error) when (error is not (BadHttpRequestException or OperationCanceledException))
        {
            // Lengths of chunks that no number holds, and the like.
            throw ApiErrorException.Invalid("The request body cannot be read: its transfer encoding is damaged.");
        }
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }
}
