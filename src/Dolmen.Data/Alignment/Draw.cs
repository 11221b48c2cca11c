using Dolmen.Artifacts;

namespace Dolmen.Data.Alignment;

/// <summary>Choices that depend on the seed and on what is chosen among, never on the order it comes in.</summary>
internal static class Draw
{
    /// <summary>Up to <paramref name="count"/> items, in an order that is random and stable.</summary>
    public static List<T> Take<T>(IEnumerable<T> items, int count, string salt, Func<T, string> key) =>
        [.. items.Select(i => (Item: i, Key: key(i))).OrderBy(p => StableHash.Of($"{salt}|{p.Key}")).ThenBy(p => p.Key, StringComparer.Ordinal).Take(count).Select(p => p.Item)];

    public static T One<T>(IReadOnlyList<T> items, string salt) => items[(int)(StableHash.Of(salt) % (ulong)items.Count)];
}
