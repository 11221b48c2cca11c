using System.Security.Cryptography;
using System.Text;

namespace Dolmen.Artifacts;

/// <summary>Hashes that never change between runs, machines or .NET versions (string.GetHashCode does).</summary>
public static class StableHash
{
    /// <summary>FNV-1a over UTF-16 units, then SplitMix64's finalizer to spread the bits.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        unchecked
        {
            var hash = 0xCBF29CE484222325;
            foreach (var unit in text) hash = (hash ^ unit) * 0x100000001B3;
            return new StableRandom(hash).NextUInt64();
        }
    }

    /// <summary>Uniform in [0, 1): for splits that must not depend on order.</summary>
    public static double Fraction(ReadOnlySpan<char> text) => (Of(text) >> 11) * (1.0 / (1UL << 53));

    /// <summary>SHA-256, lower-case hex.</summary>
    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    public static string Sha256OfFile(string path)
    {
        using var stream = RegularFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
