using Dolmen.Artifacts;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>The models that a server has by name. A model is loaded when the first request for it comes, while others that want it wait; it
/// is dropped when it was idle for long, or, the least recently used one first, when another needs its memory, but never while a request
/// uses it.</summary>
internal sealed class ModelCatalog : IAsyncDisposable
{
    /// <summary>More names are not listed in a message.</summary>
    private const int MostNames = 20;

    private readonly Dictionary<string, CatalogEntry> _byName = new(StringComparer.Ordinal);
    private readonly List<CatalogEntry> _entries = [];
    private readonly ServerOptions _options;
    private readonly ServerMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly Action<string> _log;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _loads = new(1);                      // what fits into memory is decided for one after the other
    private readonly ITimer? _idle;
    private TaskCompletionSource _freed = NewSignal();                   // a request gave its model back
    private int _waiting;
    private bool _closed;

    /// <exception cref="UserErrorException">Two of them have one name.</exception>
    public ModelCatalog(
        IReadOnlyList<ModelSource> sources, ServerOptions options, ServerMetrics metrics, TimeProvider clock, Action<string> log)
    {
        (_options, _metrics, _clock, _log) = (options, metrics, clock, log);
        foreach (var source in sources)
        {
            var entry = new CatalogEntry(source);
            _entries.Add(entry);
            foreach (var name in entry.Names)
            {
                if (!_byName.TryAdd(name, entry))
                {
                    throw new UserErrorException($"Two models are called '{name}', and clients ask by name: give each its own with " +
                        "--name, in the order of --model.");
                }
            }
        }
        if (options.IdleSeconds <= 0) return;
        var period = TimeSpan.FromSeconds(Math.Max(options.IdleSeconds / 4, 0.1));
        _idle = clock.CreateTimer(_ => DropIdle(), null, period, period);
    }

    /// <summary>Of the only model; null where there are several, each of which must be asked for by name.</summary>
    public string? DefaultName => _entries.Count == 1 ? _entries[0].Source.Name : null;

    /// <summary>Every name with the state of its model: a model's own before its aliases.</summary>
    public IReadOnlyList<(string Name, string State, int? ContextLength)> All()
    {
        lock (_gate)
        {
            return [.. _entries.SelectMany(entry => entry.Names.Select(name => (name, entry.State, entry.ContextLength)))];
        }
    }

    public ApiErrorException Unknown(string name) => new(StatusCodes.Status404NotFound,
        new ApiError($"The model '{name}' does not exist here: this server has {Names()}.", "invalid_request_error", "model",
            "model_not_found"));

    /// <summary>The model of that name, loaded now if it is not yet.</summary>
    /// <param name="name">May be null where there is one model only.</param>
    /// <exception cref="ApiErrorException">No model has this name, it cannot be loaded, or too many requests wait for a
    /// model already.</exception>
    public async Task<ModelLease> Use(string? name, CancellationToken stop)
    {
        var entry = Find(name);
        while (true)
        {
            var (loading, leaving) = Enter(entry);
            if (leaving is null) return await Lease(entry, loading!, stop);
            await Wait(leaving, stop);
        }
    }

    /// <summary>The model of that name where it is loaded already, otherwise null. Looking at it does not count as use: it grows idle all
    /// the same.</summary>
    /// <exception cref="ApiErrorException">No model has this name.</exception>
    public ModelLease? Loaded(string? name)
    {
        var entry = Find(name);
        lock (_gate)
        {
            if (_closed || entry.Loaded is not { } loaded) return null;
            entry.Users++;
            return new ModelLease(loaded, () => Leave(entry, used: false));
        }
    }

    /// <summary>Where the model of that name comes from, whether it is loaded or not.</summary>
    /// <exception cref="ApiErrorException">No model has this name.</exception>
    public ModelSource SourceOf(string? name) => Find(name).Source;

    /// <summary>Loads the model before anyone asks for it.</summary>
    /// <exception cref="UserErrorException">It cannot be loaded.</exception>
    public async Task Load(string name)
    {
        var entry = Find(name);
        if (Enter(entry).Loading is not { } loading) return;
        try
        {
            await loading;
        }
        finally
        {
            Leave(entry);
        }
    }

    /// <summary>Drops what no request has used for as long as the options say.</summary>
    public void DropIdle()
    {
        List<LoadedModel> dropped = [];
        lock (_gate)
        {
            foreach (var entry in _entries)
            {
                if (entry is not { Loaded: not null, Users: 0, Leaving: null }) continue;
                if (_clock.GetElapsedTime(entry.LastUsed).TotalSeconds < _options.IdleSeconds) continue;
                _log($"{entry.Source.Name} was idle for {_options.IdleSeconds:0.#} s and is dropped.");
                dropped.Add(entry.Take());
            }
        }
        foreach (var model in dropped) model.Dispose();
    }

    /// <summary>When no request is left.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            _freed.TrySetResult();
        }
        if (_idle is not null) await _idle.DisposeAsync();
        await _loads.WaitAsync();                                        // a model that is being loaded is let go of below
        foreach (var entry in _entries) entry.Loaded?.Dispose();
        _loads.Release();
    }

    private CatalogEntry Find(string? name)
    {
        if (name is null)
        {
            return _entries.Count == 1 ? _entries[0]
                : throw ApiErrorException.Invalid($"'model' is missing: this server has {Names()}.", "model");
        }
        return _byName.GetValueOrDefault(name) ?? throw Unknown(name);
    }

    private string Names() => string.Join(", ", _entries.Take(MostNames).Select(entry => $"'{entry.Source.Name}'")) +
        (_entries.Count > MostNames ? $" and {_entries.Count - MostNames} more (/v1/models lists them)" : "");

    /// <summary>Counts one more user, unless the model is about to be dropped.</summary>
    private (Task<LoadedModel>? Loading, Task? Leaving) Enter(CatalogEntry entry)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (entry.Leaving is { } leaving) return (null, leaving.Task);
            entry.Users++;
            return (entry.Loading ??= Task.Run(() => Load(entry)), null);
        }
    }

    private async Task<ModelLease> Lease(CatalogEntry entry, Task<LoadedModel> loading, CancellationToken stop)
    {
        try
        {
            await Wait(loading, stop);
            return new ModelLease(await loading, () => Leave(entry));
        }
        catch (Exception error)
        {
            Leave(entry);
            if (error is ApiErrorException || stop.IsCancellationRequested) throw;
            _log($"{entry.Source.Name} cannot be loaded: {(error is UserErrorException ? error.Message : error.ToString())}");
            throw entry.Failed(error);
        }
    }

    private async Task Wait(Task task, CancellationToken stop)
    {
        if (task.IsCompleted) return;
        try
        {
            if (Interlocked.Increment(ref _waiting) > _options.MaxWaiting) throw ApiErrorException.Busy(_options.MaxWaiting);
            await task.WaitAsync(stop);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void Leave(CatalogEntry entry, bool used = true)
    {
        lock (_gate)
        {
            entry.Users--;
            if (used) entry.LastUsed = _clock.GetTimestamp();
            if (entry.Users > 0) return;
            _freed.TrySetResult();
            _freed = NewSignal();
        }
    }

    private async Task<LoadedModel> Load(CatalogEntry entry)
    {
        var source = entry.Source;
        await _loads.WaitAsync();
        LoadedModel? loaded = null;
        var wanted = true;
        try
        {
            wanted = await MakeRoom(entry, Math.Min(source.FileBytes, _options.ModelBytes), isRead: false);
            if (!wanted) throw new OperationCanceledException();
            var started = _clock.GetTimestamp();
            var served = source.Open() with
            {
                Name = source.Name, Aliases = source.Aliases, Limits = _options.Limits ?? new RequestLimits(),
            };
            var bytes = (served.Model.WeightBytes is > 0 and var counted ? counted : source.FileBytes)
                + (served.Speculation?.DraftModel?.WeightBytes ?? 0);
            loaded = new LoadedModel(served, new ServingEngine(served, _options, _metrics.Of(source.Name)), bytes, source.OwnsModel,
                source.Documents is null ? null : served.Documents);
            if (bytes > _options.ModelBytes)
            {
                throw new UserErrorException($"'{source.Name}' takes {bytes >> 20} MB, but --model-memory is " +
                    $"{_options.ModelBytes >> 20}: raise it, or choose a smaller --precision.");
            }
            wanted = await MakeRoom(entry, bytes, isRead: true);
            if (!wanted) throw new OperationCanceledException();
            if (_entries.Count > 1) _log($"{source.Name} was loaded in {_clock.GetElapsedTime(started).TotalSeconds:0.00} s.");
            lock (_gate)
            {
                (entry.Loaded, entry.ContextLength) = (loaded, served.Model.Config.ContextLength);
                entry.LastUsed = _clock.GetTimestamp();
            }
            return loaded;
        }
        catch
        {
            loaded?.Dispose();
            if (!wanted) throw;                                          // off the books already, where another may stand by now
            lock (_gate) entry.Loading = null;                           // the next request tries again
            throw;
        }
        finally
        {
            _loads.Release();
        }
    }

    /// <summary>Drops models until there are <paramref name="bytes"/> for another, waiting for their last requests where all are in
    /// use.</summary>
    /// <param name="isRead">The other is in memory: it is kept even for nobody, so that a client whose patience is shorter than loading
    /// finds it when it comes again, but no model is dropped for nobody.</param>
    /// <returns>False where whoever wanted the other is gone: it is off the books, and no model has to leave for it.</returns>
    private async Task<bool> MakeRoom(CatalogEntry wanted, long bytes, bool isRead)
    {
        while (true)
        {
            LoadedModel? dropped = null;
            Task freed;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                freed = _freed.Task;
                var loaded = _entries.FindAll(entry => entry.Loaded is not null);
                var fits = loaded.Sum(entry => entry.Loaded!.Bytes) + bytes <= _options.ModelBytes;
                var isForNobody = wanted.Users == 0 && !(fits && isRead);
                if (fits || isForNobody)
                {
                    foreach (var spared in loaded) spared.Stay();
                    if (isForNobody) wanted.Loading = null;
                    return !isForNobody;
                }
                var oldest = loaded.OrderBy(entry => entry.Users > 0).ThenBy(entry => entry.Leaving is null)
                    .ThenBy(entry => entry.LastUsed).First();
                if (oldest.Users > 0) oldest.Leaving ??= NewSignal();
                else
                {
                    _log($"{oldest.Source.Name} is dropped: another model needs its memory (--model-memory).");
                    dropped = oldest.Take();
                }
            }
            if (dropped is null) await freed;
            else dropped.Dispose();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
