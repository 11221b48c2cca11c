namespace Dolmen.Serving;

/// <summary>A name of the catalog and what has become of its model. Guarded by the catalog.</summary>
internal sealed class CatalogEntry(ModelSource source)
{
    public ModelSource Source => source;

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
}
