using Dolmen.Artifacts;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>A name of the catalog and what has become of its model. Guarded by the catalog.</summary>
internal sealed class CatalogEntry(ModelSource source)
{
    public ModelSource Source => source;

    /// <summary>What clients may ask for it by: its own name before its aliases.</summary>
    public IEnumerable<string> Names => source.Aliases.Prepend(source.Name).Distinct(StringComparer.Ordinal);

    /// <summary>Requests that use the model, or wait until it is loaded.</summary>
    public int Users { get; set; }

    /// <summary>When the last of them ended.</summary>
    public long LastUsed { get; set; }

    /// <summary>From the first request for it until it is dropped; gone at once where loading failed.</summary>
    public Task<LoadedModel>? Loading { get; set; }

    /// <summary>Once <see cref="Loading"/> has come so far.</summary>
    public LoadedModel? Loaded { get; set; }

    /// <summary>Set while the model serves its last requests because others need the memory: new ones wait until it was dropped, and then
    /// for their turn to load it.</summary>
    public TaskCompletionSource? Leaving { get; set; }

    /// <summary>Known once the model was loaded.</summary>
    public int? ContextLength { get; set; }

    /// <summary>In the words of llama.cpp's server.</summary>
    public string State => Loaded is not null ? "loaded" : Loading is not null ? "loading" : "unloaded";

    /// <summary>Takes the model out of memory's books; whoever waits to come in may try again.</summary>
    public LoadedModel Take()
    {
        var loaded = Loaded!;
        (Loaded, Loading) = (null, null);
        Stay();
        return loaded;
    }

    /// <summary>Others do not need the memory any more.</summary>
    public void Stay()
    {
        Leaving?.TrySetResult();
        Leaving = null;
    }

    /// <summary>What a client is told of a model that cannot be loaded.</summary>
    public ApiErrorException Failed(Exception error)
    {
        var why = error is UserErrorException ? ServedModel.WithoutPaths(error.Message, source.Folder, source.Documents)
            : "the server's log says why.";
        return new ApiErrorException(StatusCodes.Status503ServiceUnavailable,
            new ApiError($"The model '{source.Name}' cannot be loaded: {why}", "server_error", "model", "model_not_loaded"));
    }
}
