using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Scaled rotary positions as llama.cpp takes them from a file: a kind that is "linear" where none is named, a factor under a new
/// or an old key, YaRN's keys, a tensor of factors for Llama 3, and two for LongRoPE (<see cref="GgufLongRope"/>).</summary>
internal static class GgufRotary
{
    public const string FactorsTensor = "rope_freqs.weight";

    public static RotaryScaling? Read(GgufFile file, string architecture, double theta, int headDim, int contextLength)
    {
        var metadata = file.Metadata;
        string Key(string name) => $"{architecture}.rope.scaling.{name}";
        var kind = metadata.FindText(Key("type")) ?? "linear";
        var factor = Factor(metadata, architecture);
        var magnitude = Above0(metadata, Key("attn_factor")) ?? 1;
        RefuseExtrapolation(metadata, Key("yarn_ext_factor"), kind);
        GgufLongRope.Check(file, architecture, kind);
        RotaryScaling? scaling = kind switch
        {
            "none" => null,
            "linear" => factor == 1 ? null : new LinearScaling(factor),
            "yarn" => Yarn(metadata, architecture, factor, magnitude, contextLength),
            GgufLongRope.Kind => GgufLongRope.Read(file, factor, magnitude, headDim, contextLength),
            _ => throw metadata.Refusal(Key("type"), $"is '{kind}'", "only 'none', 'linear', 'yarn' and 'longrope' are read"),
        };
        if (magnitude != 1 && scaling is not (YarnScaling or LongRopeScaling))
        {
            // YaRN by the factor 1 turns nothing and leaves the temperature.
            scaling = scaling is null ? new YarnScaling(1, contextLength, AttentionFactor: magnitude)
                : throw metadata.Refusal(Key("attn_factor"), $"is {magnitude}", $"with positions of the kind '{kind}' only 1 can be run");
        }
        if (architecture != "llama" || file.Find(FactorsTensor) is null) return scaling;
        var factors = Factors(file, FactorsTensor, headDim);
        if (Array.TrueForAll(factors, value => value == 1))
            return scaling;
        return scaling is null
            ? Llama3Factors.Fit(factors, theta, headDim, [8192, metadata.FindInt32(Key("original_context_length")) ?? 8192, contextLength])
                ?? throw new UserErrorException(
                    $"'{file.Path}': the factors of tensor '{FactorsTensor}' do not follow Llama 3's rule (1, then a "
                        + "passage, then one factor), which is the only one that can be run. Take the model's Hugging Face folder instead "
                        + "('dolmen model pull')."
                )
            : throw new UserErrorException(
                $"'{file.Path}': tensor '{FactorsTensor}' and {architecture}.rope.scaling both scale positions: only one "
                    + "of them can be run. Take the model's Hugging Face folder instead ('dolmen model pull')."
            );
    }

    /// <summary>The keys of a scaling that llama.cpp understands; Llama 3's is a tensor, see <see cref="Llama3Factors"/>.</summary>
    public static IEnumerable<(string Key, GgufValue Value)> Write(string architecture, RotaryScaling? scaling)
    {
        string Key(string name) => $"{architecture}.rope.scaling.{name}";
        if (scaling is LongRopeScaling lists)
        {
            foreach (var item in GgufLongRope.Write(architecture, lists)) yield return item;
        }
        if (scaling is not (LinearScaling or YarnScaling)) yield break;
        yield return (Key("type"), GgufValue.Of(scaling is YarnScaling ? "yarn" : "linear"));
        yield return (Key("factor"), GgufValue.Of((float)scaling.Factor));
        if (scaling is not YarnScaling yarn) yield break;
        yield return (Key("original_context_length"), GgufValue.Of((uint)yarn.OriginalContext));
        if (yarn.AttentionFactor is { } magnitude && magnitude / Usual(yarn.Factor) is var relative && Math.Abs(relative - 1) > 1e-7)
        {
            yield return (Key("attn_factor"), GgufValue.Of((float)relative));
        }
    }

    /// <summary>Why llama.cpp cannot run a scaling in the architecture; null where it can.</summary>
    public static string? Problem(string architecture, RotaryScaling? scaling) =>
        scaling switch
        {
            null or LinearScaling => null,
            YarnScaling { BetaFast: 32, BetaSlow: 1, Truncate: true } => null,
            YarnScaling =>
                "its YaRN positions have a ramp (beta_fast, beta_slow, truncate) other than 32, 1 and true, and llama.cpp reads no other "
                    + $"in the architecture '{architecture}'",
            LongRopeScaling => GgufLongRope.Problem(architecture),
            Llama3Scaling when architecture == "llama" => null,
            Llama3Scaling => $"llama.cpp has no Llama 3 positions in the architecture '{architecture}'",
            _ =>
                $"Dolmen does not write positions of its kind "
                    + $"({scaling.GetType().Name.Replace("Scaling", "", StringComparison.Ordinal).ToLowerInvariant()})",
        };

    /// <summary>The double whose shortest decimal is the float's: 1e-5 and not 9.9999997e-06.</summary>
    public static double Shortest(float value) => double.Parse(value.ToString("R"));

    private static YarnScaling? Yarn(GgufMetadata metadata, string architecture, double factor, double magnitude, int contextLength)
    {
        string Key(string name) => $"{architecture}.rope.scaling.{name}";
        if (factor == 1) return magnitude == 1 ? null : new YarnScaling(1, contextLength, AttentionFactor: magnitude);
        // llama.cpp computes this one itself, whatever the file says; what other software wrote into it must agree.
        if (Above0(metadata, Key("yarn_attn_factor")) is { } given && Math.Abs(given - 1) > 1e-4 && Math.Abs(given - Usual(factor)) > 1e-4)
        {
            throw metadata.Refusal(
                Key("yarn_attn_factor"),
                $"is {given}",
                $"only 1 and YaRN's own {Usual(factor):0.####} can be run, as in llama.cpp"
            );
        }
        var original = metadata.FindInt32(Key("original_context_length")) is { } length and > 0 ? length : contextLength;
        return new YarnScaling(
            factor,
            original,
            Above0(metadata, Key("yarn_beta_fast")) ?? 32,
            Above0(metadata, Key("yarn_beta_slow")) ?? 1,
            magnitude == 1 ? null : magnitude * Usual(factor)
        );
    }

    private static double Usual(double factor) => factor <= 1 ? 1 : 0.1 * Math.Log(factor) + 1;

    /// <summary>Left out, or 0, is 1. The old key counts where the new one is not there.</summary>
    private static double Factor(GgufMetadata metadata, string architecture)
    {
        foreach (var key in (string[])[$"{architecture}.rope.scaling.factor", $"{architecture}.rope.scale_linear"])
        {
            if (metadata.FindNumber(key) is not { } value) continue;
            if (value < 0) throw metadata.Refusal(key, $"is {value}", "it must be above 0");
            return value == 0 ? 1 : Shortest(value);
        }
        return 1;
    }

    /// <summary>A number that llama.cpp takes as not there when it is 0 or less.</summary>
    private static double? Above0(GgufMetadata metadata, string key) =>
        metadata.FindSignedNumber(key) is { } value and > 0 ? Shortest(value) : null;

    private static void RefuseExtrapolation(GgufMetadata metadata, string key, string kind)
    {
        // Below 0 is "not set"; what is set must be what the kind has anyway.
        if (metadata.FindSignedNumber(key) is { } value and >= 0 && value != (kind == "yarn" ? 1 : 0))
        {
            throw metadata.Refusal(key, $"is {value}", $"with positions of the kind '{kind}' only {(kind == "yarn" ? 1 : 0)} can be run");
        }
    }

    /// <summary>What each pair's frequency is divided by.</summary>
    public static float[] Factors(GgufFile file, string tensor, int headDim)
    {
        if (file.Find(tensor) is not { Shape: [var count] } || count != headDim / 2)
        {
            throw new UserErrorException(
                $"'{file.Path}': tensor '{tensor}' must hold {headDim / 2} factors, one for each pair of a head's "
                    + "rows. Convert or fetch the model again."
            );
        }
        var factors = new float[count];
        file.Read(tensor, factors);
        FiniteWeights.Require(file.Path, tensor, factors);
        return factors;
    }
}
