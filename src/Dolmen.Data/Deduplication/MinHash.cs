using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dolmen.Data.Deduplication;

/// <summary>MinHash signatures by the permutations h(x) = (a·x + b) mod 2⁶¹−1 of 32-bit shingle hashes (docs/notes/minhash.md). Holds only
/// the permutations: shared by all threads, each with its own <see cref="DocumentSignature"/>.</summary>
internal sealed class MinHash
{
    private const ulong Mersenne = (1UL << 61) - 1;
    private const int Lanes = 16;

    private readonly MinHashSettings _settings;
    private readonly int _padded;
    private readonly ulong[] _low;
    private readonly ulong[] _high;
    private readonly ulong[] _add;

    public MinHash(MinHashSettings settings)
    {
        _settings = settings.Check();
        _padded = (settings.Hashes + Lanes - 1) / Lanes * Lanes;
        _low = new ulong[_padded];
        _high = new ulong[_padded];
        _add = new ulong[_padded];
        var state = HashMixing.Mix(settings.Seed);
        for (var i = 0; i < _padded; i++)
        {
            var a = 1 + (HashMixing.Next(ref state) % (Mersenne - 1));
            _low[i] = (uint)a;
            _high[i] = a >> 32;
            _add[i] = HashMixing.Next(ref state) % Mersenne;
        }
    }

    public MinHashSettings Settings => _settings;

    /// <summary>Bands and sketch of a document given as hashes of its words, normalised as by <see cref="NormalisedWords"/>. A document
    /// shorter than a shingle is one shingle; one without words has no bands and no near-duplicates.</summary>
    public void Signature(ReadOnlySpan<ulong> wordHashes, DocumentSignature into) => Signature(Shingle(wordHashes, into), into);

    /// <summary>The same for a set of shingle hashes, in any order, repetitions allowed. The span is sorted or not: only its values
    /// count.</summary>
    internal void Signature(ReadOnlySpan<uint> shingles, DocumentSignature into)
    {
        if (into.Bands.Length != _settings.Buckets) into.Bands = new ulong[_settings.Buckets];
        if (into.Minima.Length != _padded) into.Minima = new ulong[_padded];
        into.HasBands = shingles.Length > 0;
        MinimaOf(shingles, into.Minima);
        var at = 0;
        for (var band = 0; band < into.Bands.Length; band++)
        {
            var hash = (ulong)band;
            for (var i = 0; i < _settings.HashesPerBucket; i++) hash = HashMixing.Join(hash, into.Minima[at++]);
            into.Bands[band] = hash;
        }
        ShingleSketch.Of(shingles, _settings.SketchShingles, into);
    }

    private ReadOnlySpan<uint> Shingle(ReadOnlySpan<ulong> words, DocumentSignature into)
    {
        if (words.IsEmpty) return [];
        var size = Math.Min(_settings.ShingleWords, words.Length);
        var count = words.Length - size + 1;
        if (into.Shingles.Length < count) into.Shingles = new uint[(int)Math.Min(Array.MaxLength, count * 2L)];
        // A polynomial in an odd number over words that are hashes already, rolled along; what leaves is the oldest word's term.
        const ulong factor = 0x9e3779b97f4a7c15UL;
        ulong leaving = 1, rolled = 0;
        for (var i = 0; i < size; i++)
        {
            rolled = (rolled * factor) + words[i];
            leaving *= factor;
        }
        var shingles = into.Shingles.AsSpan(0, count);
        shingles[0] = (uint)(HashMixing.Mix(rolled) >> 32);
        for (var i = 1; i < count; i++)
        {
            rolled = (rolled * factor) + words[i + size - 1] - (words[i - 1] * leaving);
            shingles[i] = (uint)(HashMixing.Mix(rolled) >> 32);
        }
        return shingles;
    }

    private void MinimaOf(ReadOnlySpan<uint> shingles, ulong[] minima)
    {
        if (Avx512F.IsSupported)
            for (var i = 0; i < _padded; i += 16) Minima512(shingles, minima, i);
        else if (Avx2.IsSupported)
            for (var i = 0; i < _padded; i += 4) Minima256(shingles, minima, i);
        else
            MinimaPlain(shingles, minima);
    }

    /// <summary>The definition, and the way on machines without wide vectors. With a = high·2³² + low, both products fit 64 bits, and
    /// 2⁶¹ ≡ 1 turns the shift of the first into a rotation of 61 bits. The last fold leaves at most three above the modulus: a fixed
    /// function of x, which is all that counts.</summary>
    internal void MinimaPlain(ReadOnlySpan<uint> shingles, Span<ulong> minima)
    {
        for (var i = 0; i < _padded; i++)
        {
            var least = ulong.MaxValue >> 1;
            foreach (var x in shingles)
            {
                var high = _high[i] * x;
                var low = _low[i] * x;
                var sum = ((high << 32) & Mersenne) + (high >> 29) + (low & Mersenne) + (low >> 61) + _add[i];
                least = Math.Min(least, (sum & Mersenne) + (sum >> 61));
            }
            minima[i] = least;
        }
    }

    private void Minima512(ReadOnlySpan<uint> shingles, ulong[] minima, int at)
    {
        var mask = Vector512.Create(Mersenne);
        var low0 = Vector512.Create(_low, at).AsUInt32();
        var high0 = Vector512.Create(_high, at).AsUInt32();
        var add0 = Vector512.Create(_add, at);
        var low1 = Vector512.Create(_low, at + 8).AsUInt32();
        var high1 = Vector512.Create(_high, at + 8).AsUInt32();
        var add1 = Vector512.Create(_add, at + 8);
        var least0 = Vector512.Create(ulong.MaxValue >> 1);
        var least1 = least0;
        foreach (var shingle in shingles)
        {
            var x = Vector512.Create((ulong)shingle).AsUInt32();
            least0 = Avx512F.Min(least0, Permuted(x, low0, high0, add0, mask));
            least1 = Avx512F.Min(least1, Permuted(x, low1, high1, add1, mask));
        }
        least0.CopyTo(minima, at);
        least1.CopyTo(minima, at + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Permuted(
        Vector512<uint> x,
        Vector512<uint> lows,
        Vector512<uint> highs,
        Vector512<ulong> add,
        Vector512<ulong> mask
    )
    {
        var high = Avx512F.Multiply(highs, x);
        var low = Avx512F.Multiply(lows, x);
        var sum = ((high << 32) & mask) + (high >>> 29) + (low & mask) + (low >>> 61) + add;
        return (sum & mask) + (sum >>> 61);
    }

    private void Minima256(ReadOnlySpan<uint> shingles, ulong[] minima, int at)
    {
        var mask = Vector256.Create(Mersenne);
        var lows = Vector256.Create(_low, at).AsUInt32();
        var highs = Vector256.Create(_high, at).AsUInt32();
        var add = Vector256.Create(_add, at);
        var least = Vector256.Create(long.MaxValue);
        foreach (var shingle in shingles)
        {
            var x = Vector256.Create((ulong)shingle).AsUInt32();
            var high = Avx2.Multiply(highs, x);
            var low = Avx2.Multiply(lows, x);
            var sum = ((high << 32) & mask) + (high >>> 29) + (low & mask) + (low >>> 61) + add;
            least = Vector256.Min(least, ((sum & mask) + (sum >>> 61)).AsInt64());
        }
        least.AsUInt64().CopyTo(minima, at);
    }
}
