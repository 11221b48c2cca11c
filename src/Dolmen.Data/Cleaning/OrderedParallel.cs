namespace Dolmen.Data.Cleaning;

/// <summary>Work on a stream by several threads, its results in the order of the stream, with no more than a bounded part of it in
/// memory.</summary>
internal static class OrderedParallel
{
    private const int BatchItems = 64;
    private const int BatchesAhead = 3;

    /// <param name="cost">Roughly the bytes an item holds on to.</param>
    /// <param name="batchCost">A batch ends when its items cost this much.</param>
    public static IEnumerable<TResult> Select<T, TResult>(
        IEnumerable<T> source, Func<T, TResult> work, Func<T, long> cost, long batchCost, int threads, CancellationToken stop)
    {
        if (threads <= 1)
        {
            foreach (var item in source)
            {
                stop.ThrowIfCancellationRequested();
                yield return work(item);
            }
            yield break;
        }
        var running = new Queue<Task<TResult[]>>();
        using var slots = new SemaphoreSlim(threads);
        try
        {
            foreach (var batch in Batches(source, cost, batchCost))
            {
                running.Enqueue(Task.Run(() => Run(batch), CancellationToken.None));
                if (running.Count < threads * BatchesAhead) continue;
                foreach (var result in running.Dequeue().GetAwaiter().GetResult()) yield return result;
            }
            while (running.TryDequeue(out var task))
                foreach (var result in task.GetAwaiter().GetResult()) yield return result;
        }
        finally
        {
            // What still runs ends before what it reads from is closed.
            while (running.TryDequeue(out var task)) Task.WaitAny([task], CancellationToken.None);
        }

        TResult[] Run(T[] batch)
        {
            slots.Wait(stop);
            try
            {
                var results = new TResult[batch.Length];
                for (var i = 0; i < batch.Length; i++)
                {
                    stop.ThrowIfCancellationRequested();
                    results[i] = work(batch[i]);
                }
                return results;
            }
            finally
            {
                slots.Release();
            }
        }
    }

    private static IEnumerable<T[]> Batches<T>(IEnumerable<T> source, Func<T, long> cost, long batchCost)
    {
        var batch = new List<T>(BatchItems);
        long sum = 0;
        foreach (var item in source)
        {
            batch.Add(item);
            if ((sum += cost(item)) < batchCost && batch.Count < BatchItems) continue;
            yield return [.. batch];
            batch.Clear();
            sum = 0;
        }
        if (batch.Count > 0) yield return [.. batch];
    }
}
