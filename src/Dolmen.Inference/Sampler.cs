using Dolmen.Artifacts;
using Dolmen.Inference.Kernels;

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

/// <summary>Draws tokens; the same options and logits give the same tokens. Every draw takes one random number,
/// but at temperature 0 none.</summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private StableRandom _random;
    private float[] _weights = [];                                       // (V), the likeliest weighs 1
    private float[] _sums = [];                                          // of blocks of weights
    private Candidates _candidates;

    /// <exception cref="UserErrorException">An option is out of its range.</exception>
    public Sampler(SamplingOptions options)
    {
        if (options.Problems() is { Count: > 0 } problems) throw new UserErrorException(string.Join(" ", problems));
        _options = options;
        _random = new StableRandom(options.Seed);
    }

    /// <summary>One that draws from here on as this one would.</summary>
    public Sampler Fork() => new(_options) { _random = _random };

    /// <param name="logits">(VocabSize), at least one finite.</param>
    public int Sample(ReadOnlySpan<float> logits)
    {
        var best = Probabilities.Likeliest(logits);
        if (best < 0 || !float.IsFinite(logits[best]))
            throw new InvalidOperationException("The model gave no finite logit: its weights are damaged or its training diverged.");
        if (_options.Temperature == 0) return best;
        if (_weights.Length < logits.Length)
            (_weights, _sums) = (new float[logits.Length], new float[Probabilities.BlocksOf(logits.Length)]);
        var weights = _weights.AsSpan(0, logits.Length);
        var scale = (float)Math.Min(1 / _options.Temperature, float.MaxValue);
        var total = Probabilities.Exponentials(logits, logits[best], scale, weights, _sums);
        return _options is { TopK: 0, TopP: 1, MinP: 0, TypicalP: 1 } ? Draw(weights, total) : DrawFiltered(weights, total);
    }

    private int Draw(ReadOnlySpan<float> weights, double total)
    {
        var left = _random.NextDouble() * total;
        var first = 0;
        // The last block with any weight takes what rounding leaves over, and so does the last such token within a block.
        for (var (block, end) = (0, Probabilities.BlocksOf(weights.Length)); block < end; block++)
        {
            if (_sums[block] <= 0) continue;
            first = block * Probabilities.Block;
            if (left < _sums[block]) break;
            left -= _sums[block];
        }
        var last = first;
        for (var i = first; i < Math.Min(weights.Length, first + Probabilities.Block); i++)
        {
            if (weights[i] <= 0) continue;
            last = i;
            left -= weights[i];
            if (left < 0) return i;
        }
        return last;
    }

    private int DrawFiltered(ReadOnlySpan<float> weights, double total)
    {
        if (_options.TopK > 0)
        {
            _candidates.Gather(weights, 0);
            total = _candidates.KeepCount(_options.TopK);
        }
        else
        {
            // Tokens below (1 − top-p) / V of the probability hold less than 1 − top-p together, so that the nucleus closes before them.
            _candidates.Gather(weights, Math.Max(_options.MinP, (1 - _options.TopP) * total / weights.Length));
        }
        if (_options.TopP < 1) _candidates.KeepMass(_options.TopP * total);
        if (_options.MinP > 0) _candidates.KeepHeavy(_options.MinP);
        if (_options.TypicalP < 1) _candidates.KeepTypical(_options.TypicalP);
        return _candidates.Draw(_random.NextDouble());
    }
}
