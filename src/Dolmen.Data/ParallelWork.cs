using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Dolmen.Data;

/// <summary>Parallel.ForEach wraps what its body throws; the user's error must come out as it is.</summary>
internal static class ParallelWork
{
    public static void ForEach<T>(IReadOnlyList<T> items, ParallelOptions options, Action<T> body)
    {
        try
        {
            Parallel.ForEach(Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering), options, body);
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.Flatten().InnerExceptions[0]);
        }
    }

    public static void For(int count, ParallelOptions options, Action<int> body) => ForEach([.. Enumerable.Range(0, count)], options, body);
}
