namespace Dolmen.Inference.Mixers;

/// <summary>Counts the memory of all states of a model that are alive; what several share counts once. Hands out the pages of keys and
/// values from slabs of pages of one size: a page that was given back serves the next text, and pages lie together, on large ones of the
/// system where it has them (see <see cref="WeightMemory"/>). A slab goes when none of its size is in use.</summary>
internal sealed class StateMemory
{
    private const int PagesOfASlab = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Pages> _pages = [];                // by size
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>The address of a page of so many bytes, counted; what is in it is unknown.</summary>
    public nint Rent(long bytes)
    {
        nint page;
        lock (_gate)
        {
            if (!_pages.TryGetValue(bytes, out var pages)) _pages.Add(bytes, pages = new Pages(Aligned(bytes)));
            page = pages.Rent();
        }
        Add(bytes);
        return page;
    }

    /// <summary>Takes back what was rented.</summary>
    public void Return(nint page, long bytes)
    {
        Add(-bytes);
        lock (_gate) _pages[bytes].Return(page);
    }

    /// <summary>Pages start on cache lines.</summary>
    private static long Aligned(long bytes) => (bytes + 63) / 64 * 64;

    private sealed unsafe class Pages(long size)
    {
        private readonly List<NativeBuffer> _slabs = [];
        private readonly Stack<nint> _free = [];
        private int _used, _untouched;                                   // of the last slab, which is taken front to back

        public nint Rent()
        {
            if (_free.Count == 0 && _untouched == 0)
            {
                _slabs.Add(WeightMemory.Take(size * PagesOfASlab));
                _untouched = PagesOfASlab;
            }
            _used++;
            if (_free.TryPop(out var page)) return page;
            return (nint)(_slabs[^1].Pointer + (PagesOfASlab - _untouched--) * size);
        }

        public void Return(nint page)
        {
            _free.Push(page);
            // A single slab stays for the next text.
            if (--_used > 0 || _slabs.Count == 1) return;
            foreach (var slab in _slabs) slab.Dispose();
            _slabs.Clear();
            _free.Clear();
            _untouched = 0;
        }
    }
}
