using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>Sorts more than memory holds: sorted runs on disk, merged. Runs are unlinked as soon as they are open (or deleted on closing
/// where the system cannot do that), so a killed process leaves none.</summary>
internal sealed class ExternalSort<T>(string scratchDirectory, long memoryBytes) : IDisposable where T : unmanaged, IOrdered<T>
{
    private const int MostRuns = 64;
    private readonly int _capacity = (int)Math.Clamp(memoryBytes / 2 / Unsafe.SizeOf<T>(), 64, 1 << 28);
    private readonly List<Run> _runs = [];
    private T[] _items = [];
    private int _count;

    public long Count { get; private set; }

    public void Add(in T item)
    {
        if (_count == _items.Length)
        {
            if (_count >= _capacity) Spill();
            else Array.Resize(ref _items, Math.Min(_capacity, Math.Max(1024, _count * 2)));
        }
        _items[_count++] = item;
        Count++;
    }

    /// <summary>Takes a file of items sorted earlier, which stays.</summary>
    public void AddSortedFile(string path)
    {
        var run = new Run(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1));
        Count += run.Remaining;
        _runs.Add(run);
    }

    /// <summary>All items ascending. Once only.</summary>
    public IEnumerable<T> Sorted()
    {
        _items.AsSpan(0, _count).Sort(Ordered<T>.Order);
        if (_runs.Count == 0)
        {
            for (var i = 0; i < _count; i++) yield return _items[i];
            yield break;
        }
        if (_count > 0) Spill();
        _items = [];
        while (_runs.Count > MostRuns)
        {
            var first = _runs.GetRange(0, MostRuns);
            _runs.RemoveRange(0, MostRuns);
            _runs.Add(Write(Merge(first)));
            foreach (var run in first) run.Dispose();
        }
        foreach (var item in Merge(_runs)) yield return item;
    }

    private IEnumerable<T> Merge(List<Run> runs)
    {
        var block = (int)Math.Clamp(memoryBytes / 2 / runs.Count / Unsafe.SizeOf<T>(), 16, (1 << 20) / Unsafe.SizeOf<T>());
        var queue = new PriorityQueue<Run, T>(runs.Count, Ordered<T>.Order);
        foreach (var run in runs)
            if (run.Start(block)) queue.Enqueue(run, run.Current);
        while (queue.TryPeek(out var run, out var item))
        {
            yield return item;
            if (run.Next()) queue.DequeueEnqueue(run, run.Current);
            else queue.Dequeue();
        }
    }

    private void Spill()
    {
        var items = _items.AsSpan(0, _count);
        items.Sort(Ordered<T>.Order);
        var file = ScratchFile.Open(scratchDirectory);
        file.Write(MemoryMarshal.AsBytes(items));
        _runs.Add(new Run(file));
        _count = 0;
    }

    private Run Write(IEnumerable<T> items)
    {
        var file = ScratchFile.Open(scratchDirectory);
        ItemFile.Write(file, items);
        return new Run(file);
    }

    public void Dispose()
    {
        foreach (var run in _runs) run.Dispose();
        _items = [];
    }

    private sealed class Run(FileStream file) : IDisposable
    {
        private T[] _block = [];
        private int _at;
        private int _filled;

        public long Remaining { get; private set; } = file.Length / Unsafe.SizeOf<T>();

        public T Current => _block[_at];

        public bool Start(int block)
        {
            _block = new T[block];
            file.Position = 0;
            return Fill();
        }

        public bool Next() => ++_at < _filled || Fill();

        private bool Fill()
        {
            _filled = (int)Math.Min(_block.Length, Remaining);
            Remaining -= _filled;
            _at = 0;
            file.ReadExactly(MemoryMarshal.AsBytes(_block.AsSpan(0, _filled)));
            return _filled > 0;
        }

        public void Dispose() => file.Dispose();
    }
}

internal static class ScratchFile
{
    public static FileStream Open(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, Path.GetRandomFileName() + ".run");
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        return file;
    }
}

/// <summary>Files that are nothing but items of one size.</summary>
internal static class ItemFile
{
    public static void Write<T>(Stream to, IEnumerable<T> items) where T : unmanaged
    {
        var block = new T[Math.Max(1, (1 << 18) / Unsafe.SizeOf<T>())];
        var count = 0;
        foreach (var item in items)
        {
            block[count++] = item;
            if (count < block.Length) continue;
            to.Write(MemoryMarshal.AsBytes(block.AsSpan()));
            count = 0;
        }
        to.Write(MemoryMarshal.AsBytes(block.AsSpan(0, count)));
    }

    /// <summary>The items of a sorted file from the first on for which <paramref name="reached"/> is true, as it is for all after
    /// it.</summary>
    public static IEnumerable<T> ReadFrom<T>(string path, Func<T, bool> reached) where T : unmanaged
    {
        long low = 0, high;
        using (var file = RegularFile.OpenHandle(path))
        {
            high = RandomAccess.GetLength(file) / Unsafe.SizeOf<T>();
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                T item = default;
                RandomAccess.Read(file, MemoryMarshal.AsBytes(new Span<T>(ref item)), middle * Unsafe.SizeOf<T>());
                if (reached(item)) high = middle;
                else low = middle + 1;
            }
        }
        return Read<T>(path, low);
    }

    public static IEnumerable<T> Read<T>(string path, long skip = 0) where T : unmanaged
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        file.Position = skip * Unsafe.SizeOf<T>();
        var block = new T[Math.Max(1, (1 << 18) / Unsafe.SizeOf<T>())];
        for (var remaining = (file.Length / Unsafe.SizeOf<T>()) - skip; remaining > 0;)
        {
            var count = (int)Math.Min(block.Length, remaining);
            file.ReadExactly(MemoryMarshal.AsBytes(block.AsSpan(0, count)));
            for (var i = 0; i < count; i++) yield return block[i];
            remaining -= count;
        }
    }
}
