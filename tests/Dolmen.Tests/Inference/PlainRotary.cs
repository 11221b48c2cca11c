using Dolmen.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>Rotary frequencies written anew from the papers and from transformers' rules: inverse frequencies of each pair for a sequence
/// of some length, in double precision.</summary>
internal static class PlainRotary
{
    public static double[] Frequencies(RotaryPosition position, int headDim, int length, out double magnitude)
    {
        magnitude = 1;
        double[] Inverse(double theta) => [.. Enumerable.Range(0, headDim / 2).Select(i => 1 / Math.Pow(theta, 2.0 * i / headDim))];
        var plain = Inverse(position.Theta);
        switch (position.Scaling)
        {
            case null:
                return plain;
            case LinearScaling linear:
                return [.. plain.Select(frequency => frequency / linear.Factor)];
            case DynamicScaling dynamic:
                var seen = Math.Max(length, dynamic.OriginalContext);
                var stretch = dynamic.Factor * seen / dynamic.OriginalContext - (dynamic.Factor - 1);
                return Inverse(position.Theta * Math.Pow(stretch, headDim / (headDim - 2.0)));
            case LongRopeScaling longRope:
                magnitude = longRope.AttentionFactor
                    ?? (longRope.Factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(longRope.Factor) / Math.Log(longRope.OriginalContext)));
                var factors = length > longRope.OriginalContext ? longRope.LongFactor : longRope.ShortFactor;
                return [.. plain.Select((frequency, i) => frequency / factors[i])];
            case Llama3Scaling llama:
                var (lowWave, highWave) = (
                    llama.OriginalContext / llama.LowFrequencyFactor,
                    llama.OriginalContext / llama.HighFrequencyFactor
                );
                return
                [
                    .. plain.Select(frequency =>
                    {
                        var wave = 2 * Math.PI / frequency;
                        if (wave < highWave)
                            return frequency;
                        if (wave > lowWave)
                            return frequency / llama.Factor;
                        var smooth =
                            (llama.OriginalContext / wave - llama.LowFrequencyFactor)
                            / (llama.HighFrequencyFactor - llama.LowFrequencyFactor);
                        return (1 - smooth) * frequency / llama.Factor + smooth * frequency;
                    }),
                ];
            case YarnScaling yarn:
                magnitude = yarn.AttentionFactor ?? 0.1 * Math.Log(yarn.Factor) + 1;
                double Dimension(double turns) =>
                    headDim * Math.Log(yarn.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(position.Theta));
                var (low, high) = (Dimension(yarn.BetaFast), Dimension(yarn.BetaSlow));
                if (yarn.Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
                (low, high) = (Math.Max(low, 0), Math.Min(high, headDim - 1));
                if (low == high) high += 0.001;
                return [.. plain.Select((frequency, i) =>
                {
                    var kept = 1 - Math.Clamp((i - low) / (high - low), 0, 1);
                    return frequency / yarn.Factor * (1 - kept) + frequency * kept;
                })];
            default:
                throw new NotSupportedException(position.Scaling.ToString());
        }
    }
}
