using Dolmen.Data.Deduplication;

namespace Dolmen.Tests.Data.Deduplication;

public class MinHashCurve
{
    [Theory]
    [InlineData(14, 8, 1500)]
    [InlineData(20, 13, 1500)]
    [InlineData(450, 20, 120)]
    public void Collisions_follow_the_curve_within_binomial_error(int buckets, int hashes, int trials)
    {
        var hash = new MinHash(new(buckets, hashes));
        DocumentSignature first = new(), second = new();
        var random = new Random(buckets);
        foreach (var percent in new[] { 50, 60, 70, 72, 75, 80, 85, 90 })
        {
            var met = 0;
            for (var i = 0; i < trials; i++)
            {
                var (a, b) = SignatureShards.Couple(random, percent);
                hash.Signature(a, first);
                hash.Signature(b, second);
                if (first.Bands.Zip(second.Bands).Any(p => p.First == p.Second)) met++;
            }
            var expected = 1 - Math.Pow(1 - Math.Pow(percent / 100.0, hashes), buckets);
            var error = Math.Sqrt(expected * (1 - expected) / trials);
            Assert.InRange(met / (double)trials, expected - (4 * error) - (2.0 / trials), expected + (4 * error) + (2.0 / trials));
        }
    }

    [Fact]
    public void Wide_vectors_give_what_plain_arithmetic_gives()
    {
        var hash = new MinHash(new(20, 13));
        var signature = new DocumentSignature();
        var random = new Random(3);
        for (var size = 1; size < 200; size += 13)
        {
            var shingles = Enumerable.Range(0, size).Select(_ => (uint)random.NextInt64(1L << 32)).ToArray();
            hash.Signature(shingles, signature);
            var plain = new ulong[signature.Minima.Length];
            hash.MinimaPlain(shingles, plain);
            Assert.Equal(plain, signature.Minima);
        }
    }

    [Fact]
    public void Plain_arithmetic_is_the_affine_map_modulo_the_prime()
    {
        var hash = new MinHash(new(2, 8));
        var values = new ulong[3][];
        uint[] points = [0, 1, 4_000_000_019];
        for (var i = 0; i < 3; i++) hash.MinimaPlain([points[i]], values[i] = new ulong[16]);
        UInt128 prime = (1UL << 61) - 1;
        for (var i = 0; i < 16; i++)
        {
            var slope = (values[1][i] + prime - (values[0][i] % prime)) % prime;
            Assert.Equal(((slope * points[2]) + values[0][i]) % prime, values[2][i] % prime);
        }
    }

    [Fact]
    public void Sketches_estimate_similarity_of_long_documents()
    {
        var random = new Random(5);
        var all = Enumerable.Range(0, 20_000).Select(_ => (uint)random.NextInt64(1L << 32)).Distinct().ToArray();
        DocumentSignature a = new(), b = new();
        ShingleSketch.Of(all.AsSpan(0, 15_000), 256, a);
        ShingleSketch.Of(all.AsSpan(5_000), 256, b);
        Assert.False(a.SketchIsComplete);
        Assert.Equal(256, a.SketchCount);
        Assert.Equal(all.Take(15_000).Order().Take(256), a.Sketch);
        Assert.InRange(ShingleSketch.Jaccard(a.Sketch, false, b.Sketch, false), 0.5 - 0.13, 0.5 + 0.13);
    }

    [Fact]
    public void Words_are_lower_case_without_punctuation_and_runs_of_digits_are_one()
    {
        Assert.Equal(Words("Hello, world! It's 1984."), Words("hello WORLD its 7"));
        Assert.NotEqual(Words("hello world"), Words("helloworld"));
        Assert.Equal(Words("caf\u00e9"), Words("cafe\u0301"));
        Assert.Equal(4, Words("\u4f60\u597d\u4e16\u754c").Length);
        Assert.Equal(2, Words("한국어 문장").Length);
        Assert.Empty(Words(" \0\ud800 …🙂 "));
        Assert.Equal(3, Words("\ud840\udc00\ud840\udc01 a").Length);

        static ulong[] Words(string text)
        {
            var buffer = new WordBuffer();
            NormalisedWords.Hash(text, buffer);
            return buffer.Hashes.ToArray();
        }
    }

    [Fact]
    public void A_short_text_is_one_shingle_and_an_empty_one_has_no_bands()
    {
        var hash = new MinHash(new());
        DocumentSignature a = new(), b = new();
        hash.Signature([1UL, 2UL], a);
        hash.Signature([1UL, 2UL], b);
        Assert.Equal(1, a.SketchCount);
        Assert.Equal(a.Bands, b.Bands);
        hash.Signature(ReadOnlySpan<ulong>.Empty, b);
        Assert.False(b.HasBands);
        Assert.Equal(0, b.SketchCount);
    }
}
