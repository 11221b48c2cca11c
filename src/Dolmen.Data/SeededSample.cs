using Dolmen.Artifacts;

namespace Dolmen.Data;

/// <summary>Choices that depend on the seed and on what is chosen among, never on the order it comes in.</summary>
internal static class SeededSample
{
    /// <summary>Up to <paramref name="count"/> items, in an order that is random and stable.</summary>
    public static List<T> Take<T>(IEnumerable<T> items, int count, string salt, Func<T, string> key) =>
        [.. Shuffled(items, salt, key).Take(count)];

    public static IEnumerable<T> Shuffled<T>(IEnumerable<T> items, string salt, Func<T, string> key)
    {
        var salted = StableHash.Of(salt);
        return items
            .Select(i => (Item: i, Key: key(i)))
            .Select(p => (p.Item, p.Key, Place: new StableRandom(salted ^ StableHash.Of(p.Key)).NextUInt64()))
            .OrderBy(p => p.Place)
            .ThenBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => p.Item);
    }

    public static T One<T>(IReadOnlyList<T> items, string salt) => items[(int)(StableHash.Of(salt) % (ulong)items.Count)];
}
