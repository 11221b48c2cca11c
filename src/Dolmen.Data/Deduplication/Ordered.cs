namespace Dolmen.Data.Deduplication;

/// <summary>Items that <see cref="ExternalSort{T}"/> can sort.</summary>
internal interface IOrdered<in T>
{
    int Compared(T other);
}

internal sealed class Ordered<T> : IComparer<T> where T : IOrdered<T>
{
    public static readonly Ordered<T> Order = new();

    public int Compare(T? x, T? y) => x!.Compared(y!);
}
