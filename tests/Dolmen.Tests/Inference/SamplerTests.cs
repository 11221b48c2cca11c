using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

public class SamplerTests
{
    // In eighths: equal or clearly apart, so that rounding cannot turn a tie into an order.
    private static readonly Gen<float[]> Logits = Gen.Int[-48, 48].Select(eighths => eighths / 8f).Array[2, 60];

    [Fact]
    public void Greedy_takes_the_lowest_id_among_the_likeliest() =>
        Assert.Equal(2, new Sampler(SamplingOptions.Greedy).Sample([0f, -1f, 3f, 3f, 2f, 3f]));

    [Fact]
    public void A_seed_repeats_its_draws() => Logits.Sample(logits =>
    {
        int[] Draw(ulong seed)
        {
            var sampler = new Sampler(new SamplingOptions(Seed: seed, TopP: 0.9));
            return [.. Enumerable.Range(0, 20).Select(_ => sampler.Sample(logits))];
        }
        return Draw(3).SequenceEqual(Draw(3));
    }, iter: 50);

    [Fact]
    public void Only_tokens_the_filters_keep_are_drawn() =>
        Gen.Select(Logits, Gen.Int[0, 12], Gen.Double[0.05, 1], Gen.Double[0, 0.5], Gen.Double[0.2, 3])
            .Sample((logits, k, p, minP, temperature) =>
        {
            var allowed = Kept(logits, k, p, minP, temperature);
            var sampler = new Sampler(new SamplingOptions(temperature, k, p, minP, 1));
            return Enumerable.Range(0, 60).All(_ => allowed.ContainsKey(sampler.Sample(logits)));
        }, iter: 300);

    [Theory]
    [InlineData(1, 0, 1, 0)]
    [InlineData(0.7, 0, 1, 0)]
    [InlineData(1.5, 5, 1, 0)]
    [InlineData(1, 0, 0.8, 0)]
    [InlineData(1, 0, 1, 0.1)]
    [InlineData(0.9, 8, 0.9, 0.05)]
    public void Draws_follow_the_filtered_distribution(double temperature, int k, double p, double minP)
    {
        var random = new StableRandom(11);
        var logits = Enumerable.Range(0, 12).Select(_ => (float)random.NextNormal()).ToArray();
        var expected = Kept(logits, k, p, minP, temperature);
        var sampler = new Sampler(new SamplingOptions(temperature, k, p, minP, 5));
        const int draws = 40_000;
        var counts = new int[logits.Length];
        for (var i = 0; i < draws; i++) counts[sampler.Sample(logits)]++;
        for (var id = 0; id < counts.Length; id++)
        {
            var share = expected.GetValueOrDefault(id);
            // Five standard errors of a binomial share; the draws are fixed by the seed.
            Assert.InRange(counts[id] / (double)draws, share - 5 * Math.Sqrt(share / draws), share + 5 * Math.Sqrt(share / draws));
        }
    }

    /// <summary>The definition (Meister et al. 2022) written out on its own.</summary>
    [Fact]
    public void Typical_tokens_are_those_of_the_definition() =>
        Gen.Select(Logits, Gen.Double[0.05, 0.99], Gen.Int[0, 12]).Sample((logits, mass, k) =>
        {
            var tokens = Kept(logits, k, 1, 0, 1);
            var entropy = -tokens.Values.Sum(p => p * Math.Log(p));
            var (allowed, reached) = (new HashSet<int>(), 0.0);
            foreach (var (id, p) in tokens.OrderBy(token => Math.Abs(-Math.Log(token.Value) - entropy)))
            {
                if (reached >= mass) break;
                allowed.Add(id);
                reached += p;
            }
            // Logits in eighths may be equal: of equally typical tokens any may be kept, so that only the number is certain then.
            var drawn = new HashSet<int>();
            var sampler = new Sampler(new SamplingOptions(TopK: k, Seed: 1) { TypicalP = mass });
            for (var i = 0; i < 300; i++) drawn.Add(sampler.Sample(logits));
            var distances = allowed.Select(id => Math.Abs(-Math.Log(tokens[id]) - entropy)).DefaultIfEmpty(0).Max() + 1e-9;
            return drawn.Count <= allowed.Count && drawn.All(id => Math.Abs(-Math.Log(tokens[id]) - entropy) <= distances);
        }, iter: 300);

    [Theory]
    [InlineData(-1, 0, 1, 0, "temperature")]
    [InlineData(double.NaN, 0, 1, 0, "temperature")]
    [InlineData(1, -1, 1, 0, "top-k")]
    [InlineData(1, 0, 0, 0, "top-p")]
    [InlineData(1, 0, 1.1, 0, "top-p")]
    [InlineData(1, 0, 1, 2, "min-p")]
    public void Options_out_of_range_are_named(double temperature, int k, double p, double minP, string name) =>
        Assert.Contains(name, Assert.Throws<UserErrorException>(() => new Sampler(new SamplingOptions(temperature, k, p, minP))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Logits_without_a_number_are_an_error() =>
        Assert.Throws<InvalidOperationException>(() => new Sampler(new SamplingOptions()).Sample([float.NaN, float.NaN]));

    /// <summary>The filters as their definitions say, one after the other, each renormalising.</summary>
    private static Dictionary<int, double> Kept(float[] logits, int k, double p, double minP, double temperature)
    {
        var tokens = logits.Select((logit, id) => (Id: id, Weight: Math.Exp(logit / temperature))).OrderByDescending(t => t.Weight)
            .ThenBy(t => t.Id).ToList();
        if (k > 0) tokens = [.. tokens.Take(k)];
        if (p < 1)
        {
            var total = tokens.Sum(t => t.Weight);
            var before = 0.0;
            tokens = [.. tokens.TakeWhile(t => { var keep = before < p * total; before += t.Weight; return keep; })];
        }
        tokens = [.. tokens.Where(t => t.Weight >= minP * tokens[0].Weight)];
        var left = tokens.Sum(t => t.Weight);
        return tokens.ToDictionary(t => t.Id, t => t.Weight / left);
    }
}
