using Dolmen.Retrieval;

namespace Dolmen.Serving;

/// <summary>A loaded model in use by a request: it is not dropped before this is disposed.</summary>
internal sealed class ModelLease(LoadedModel loaded, Action giveBack) : IDisposable
{
    private Action? _giveBack = giveBack;

    public ServedModel Served => loaded.Served;

    public ServingEngine Engine => loaded.Engine;

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}

/// <summary>A model in memory with what computes its answers.</summary>
/// <param name="Bytes">Memory of its weights.</param>
/// <param name="Opened">The index that was opened with the model, whoever the model belongs to.</param>
internal sealed record LoadedModel(ServedModel Served, ServingEngine Engine, long Bytes, bool OwnsModel, DocumentIndex? Opened)
    : IDisposable
{
    public void Dispose()
    {
        Engine.Dispose();
        Opened?.Dispose();
        if (!OwnsModel) return;
        Served.Documents?.Dispose();
        Served.Model.Dispose();
        Served.Speculation?.DraftModel?.Dispose();
    }
}
