using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Inference;

/// <summary>How the next token is drawn. The filters narrow the choice in the order of Hugging Face: temperature, top-k, top-p, min-p,
/// typical, each on what the one before left.</summary>
/// <param name="Temperature">Divides the logits; 0 takes the likeliest token (the lowest id among equals) and ignores the rest.</param>
/// <param name="TopK">Keep this many; 0 keeps all.</param>
/// <param name="TopP">Keep the likeliest tokens until they hold this share of the probability (Holtzman et al. 2020); 1 keeps all.</param>
/// <param name="MinP">Keep tokens at least this share as likely as the likeliest (Nguyen et al. 2024); 0 keeps all.</param>
public sealed record SamplingOptions(double Temperature = 1, int TopK = 0, double TopP = 1, double MinP = 0, ulong Seed = 0)
{
    /// <summary>Keep the tokens whose surprise is nearest to the expected one until they hold this share of the probability (Meister et al.
    /// 2022); 1 keeps all.</summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Divides the positive logits of tokens that stand in the prompt or the answer and multiplies their negative ones (Keskar et
    /// al. 2019); 1 changes nothing.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken off the logit of each token that stands in the answer.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Taken off the logit of a token for each time that it stands in the answer.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Penalises tokens that would repeat a longer piece of the text; null does not.</summary>
    public DryOptions? Dry { get; init; }

    /// <summary>Added to the logits of these tokens before the penalties; −100 and less never draws them, as OpenAI's interface
    /// says.</summary>
    public IReadOnlyDictionary<int, double> Bias { get; init; } = new Dictionary<int, double>();

    /// <summary>Tokens that are never drawn.</summary>
    public IReadOnlyList<int> Suppressed { get; init; } = [];

    public static SamplingOptions Greedy { get; } = new(Temperature: 0);

    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (!(Temperature is >= 0 and <= 100))
        {
            problems.Add($"temperature is {Temperature}: it must be between 0 (greedy) and 100. Try 0.8.");
        }
        if (TopK < 0) problems.Add($"top-k is {TopK}: it must be at least 1, or 0 for no limit. Try 40.");
        if (!(TopP is > 0 and <= 1)) problems.Add($"top-p is {TopP}: it must be above 0 and at most 1. Try 0.95.");
        if (!(MinP is >= 0 and <= 1)) problems.Add($"min-p is {MinP}: it must be between 0 and 1. Try 0.05.");
        if (!(TypicalP is > 0 and <= 1)) problems.Add($"typical-p is {TypicalP}: it must be above 0 and at most 1. Try 0.95.");
        problems.AddRange(Dry?.Problems() ?? []);
        if (!(RepetitionPenalty is > 0 and <= 100))
        {
            problems.Add($"repetition-penalty is {RepetitionPenalty}: it must be above 0 and at most 100; 1 changes nothing. Try 1.1.");
        }
        if (!(PresencePenalty is >= -100 and <= 100))
            problems.Add($"presence-penalty is {PresencePenalty}: it must be between -100 and 100.");
        if (!(FrequencyPenalty is >= -100 and <= 100))
            problems.Add($"frequency-penalty is {FrequencyPenalty}: it must be between -100 and 100.");
        return problems;
    }
}

/// <summary>Draws tokens; the same options and logits give the same tokens.</summary>
public sealed class Sampler
{
    private static readonly Comparer<(double Weight, int Id)> LikeliestFirst =
        Comparer<(double Weight, int Id)>.Create(static (a, b) => a.Weight != b.Weight ? b.Weight.CompareTo(a.Weight)
            : a.Id.CompareTo(b.Id));

    private readonly SamplingOptions _options;
    private StableRandom _random;
    private double[] _weights = [];
    private readonly List<(double Weight, int Id)> _candidates = [];

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public Sampler(SamplingOptions options)
    {
        if (options.Problems() is { Count: > 0 } problems) throw new UserErrorException(string.Join(" ", problems));
        _options = options;
        _random = new StableRandom(options.Seed);
    }

    /// <param name="logits">(VocabSize), at least one finite.</param>
    public int Sample(ReadOnlySpan<float> logits)
    {
        var best = Likeliest(logits);
        if (_options.Temperature == 0) return best;
        if (_weights.Length < logits.Length) _weights = new double[logits.Length];
        var weights = _weights.AsSpan(0, logits.Length);
        double total = 0, max = logits[best], scale = 1 / _options.Temperature;
        for (var i = 0; i < weights.Length; i++) total += weights[i] = Math.Exp((logits[i] - max) * scale);
        return _options is { TopK: 0, TopP: 1, MinP: 0, TypicalP: 1 } ? Draw(weights, total) : DrawFiltered(weights, total);
    }

    private static int Likeliest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best] || float.IsNaN(logits[best])) best = i;
        }
        if (!float.IsFinite(logits[best]))
        {
            throw new InvalidOperationException("The model gave no finite logit: its weights are damaged or its training diverged.");
        }
        return best;
    }

    private int Draw(ReadOnlySpan<double> weights, double total)
    {
        var left = _random.NextDouble() * total;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0) continue;
            last = i;
            left -= weights[i];
            if (left < 0) return i;
        }
        return last;                                                     // rounding may leave a grain over
    }

    private int DrawFiltered(ReadOnlySpan<double> weights, double total)
    {
        var kept = _options.TopK > 0 ? Top(weights) : AboveFloor(weights, total);
        if (_options.TopK > 0)
        {
            total = 0;
            foreach (var (weight, _) in kept) total += weight;
        }
        if (_options.TopP < 1)
        {
            var wanted = _options.TopP * total;
            double reached = 0;
            var nucleus = 0;
            while (nucleus < kept.Length && reached < wanted) reached += kept[nucleus++].Weight;
            kept = kept[..nucleus];
        }
        var count = kept.Length;
        while (count > 1 && kept[count - 1].Weight < _options.MinP) count--;         // the likeliest token weighs 1
        kept = kept[..count];
        if (_options.TypicalP < 1) kept = kept[..KeepTypical(kept)];
        double mass = 0;
        foreach (var (weight, _) in kept) mass += weight;
        var left = _random.NextDouble() * mass;
        foreach (var (weight, id) in kept)
        {
            left -= weight;
            if (left < 0) return id;
        }
        return kept[^1].Id;
    }

    /// <summary>Moves the tokens whose surprise is nearest to the expected one to the front.</summary>
    /// <returns>How many hold the share asked for.</returns>
    private int KeepTypical(Span<(double Weight, int Id)> kept)
    {
        double total = 0, entropy = 0, reached = 0;
        foreach (var (weight, _) in kept) total += weight;
        foreach (var (weight, _) in kept) entropy -= weight / total * Math.Log(weight / total);
        kept.Sort((a, b) => Distance(a.Weight).CompareTo(Distance(b.Weight)) is not 0 and var order ? order : LikeliestFirst.Compare(a, b));
        var count = 0;
        while (count < kept.Length && reached < _options.TypicalP * total) reached += kept[count++].Weight;
        return count;

        double Distance(double weight) => Math.Abs(-Math.Log(weight / total) - entropy);
    }

    /// <summary>The k likeliest, likeliest first, lower ids before higher ones among equals.</summary>
    private Span<(double Weight, int Id)> Top(ReadOnlySpan<double> weights)
    {
        _candidates.Clear();
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0 || (_candidates.Count == _options.TopK && weights[i] <= _candidates[^1].Weight)) continue;
            var at = _candidates.BinarySearch((weights[i], i), LikeliestFirst);
            _candidates.Insert(~at, (weights[i], i));
            if (_candidates.Count > _options.TopK) _candidates.RemoveAt(_options.TopK);
        }
        return CollectionsMarshal.AsSpan(_candidates);
    }

    /// <summary>What top-p or min-p can keep, likeliest first. Tokens below (1 − top-p) / V of the probability hold less than 1 − top-p
    /// together, so the nucleus closes before it reaches them and only the others need sorting.</summary>
    private Span<(double Weight, int Id)> AboveFloor(ReadOnlySpan<double> weights, double total)
    {
        _candidates.Clear();
        var floor = Math.Max(_options.MinP, (1 - _options.TopP) * total / weights.Length);
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] > 0 && weights[i] >= floor) _candidates.Add((weights[i], i));
        }
        _candidates.Sort(LikeliestFirst);
        return CollectionsMarshal.AsSpan(_candidates);
    }
}
