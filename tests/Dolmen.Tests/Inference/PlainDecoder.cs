using Dolmen.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>A decoder as the papers write it: double precision, all positions at once, no caches, nothing shared with the engine but the
/// names and sizes of the plan. Weights are those of <see cref="RandomModel"/>.</summary>
internal sealed class PlainDecoder
{
    private readonly Dictionary<string, double[]> _weights;
    private readonly Func<int, int> _lengthAt;

    private PlainDecoder(DecoderConfig config, Func<int, int> lengthAt)
    {
        _lengthAt = lengthAt;
        _weights = config.Tensors().ToDictionary(tensor => tensor.Name,
        tensor => RandomModel.Values(tensor.Name, tensor.Shape, 1).Select(value => (double)value).ToArray(), StringComparer.Ordinal);
    }

    public static bool Knows(DecoderConfig config) =>
        config.Plan().Blocks.All(block => block.Mixer is AttentionSpec or MambaSpec or Mamba2Spec);

    /// <summary>(T, V).</summary>
    /// <param name="lengthAt">How long the sequence was at the end of the call that took in position p, which some rotary scalings look at;
    /// all at once when left out.</param>
    public static double[][] Logits(DecoderConfig config, int[] tokens, Func<int, int>? lengthAt = null)
    {
        var plain = new PlainDecoder(config, lengthAt ?? (_ => tokens.Length));
        var plan = config.Plan();
        var d = plan.DModel;
        var x = tokens.Select((token, t) => Enumerable.Range(0, d).Select(i => plain._weights[plan.Embedding][token * d + i]
            + (plan.Positions is { } positions ? plain._weights[positions.Name][t * d + i] : 0)).ToArray()).ToArray();
        foreach (var table in plan.Ngrams ?? []) Add(x, plain.Looked(table, tokens));
        foreach (var continuation in plan.Continuations ?? []) Add(x, plain.Followed(continuation, plan.Embedding, tokens));
        foreach (var block in plan.Blocks)
        {
            Add(x, plain.Mix(block.Mixer, [.. x.Select(row => plain.Norm(block.MixerNorm, row))]));
            if (block.FeedForward is null || block.FeedForwardNorm is null) continue;
            Add(x, [.. x.Select(row => plain.FeedForward(block.FeedForward, plain.Norm(block.FeedForwardNorm, row)))]);
        }
        var head = new LinearSpec(((LanguageHeadSpec)plan.Head).Weight ?? plan.Embedding, plan.VocabSize, d);
        return [.. x.Select(row => plain.Linear(head, plain.Norm(plan.FinalNorm, row)))];
    }

    /// <summary>The row of the n-gram that ends at each token.</summary>
    private double[][] Looked(NgramTableSpec table, int[] tokens) =>
    [
        .. tokens.Select((_, t) =>
        {
            int[] ngram = [.. Enumerable.Range(t - table.Order + 1, table.Order).Select(at => at < 0 ? -1 : tokens[at])];
            return _weights[table.Weight].AsSpan(table.RowOf(ngram) * table.Size, table.Size).ToArray();
        }),
    ];

    /// <summary>What followed the longest match that ends at the last token, or within the last ones, the latest of equally long ones,
    /// times its gains, and the row of its length.</summary>
    private double[][] Followed(ContinuationSpec spec, string embedding, int[] tokens)
    {
        return [.. tokens.Select((_, t) => Row(t))];

        double[] Row(int t)
        {
            var ends = Enumerable.Range(0, spec.Window == 0 ? 1 : Math.Min(spec.Window, t + 1)).Select(back => t - back);
            var found = ends.SelectMany(s => Enumerable.Range(0, s).Select(end => (S: s, End: end, Length: Length(s, end, t))))
                .OrderBy(match => match.Length).ThenBy(match => match.S).ThenBy(match => match.End).LastOrDefault();
            var sum = new double[spec.Size];
            if (found.Length == 0) return sum;
            var row = Math.Min(found.Length, spec.MaxMatch) - 1;
            for (var i = 0; i < spec.Size; i++)
            {
                for (var k = 0; k < spec.Ahead && found.End + 1 + k <= t; k++)
                {
                    sum[i] += _weights[embedding][tokens[found.End + 1 + k] * spec.Size + i]
                        * _weights[spec.Weight][(k * spec.MaxMatch + row) * spec.Size + i];
                }
                sum[i] += _weights[spec.Weight][(spec.Ahead * spec.MaxMatch + row) * spec.Size + i];
            }
            return sum;
        }

        int Length(int s, int end, int t)
        {
            var most = spec.Window == 0 ? TokenMatch.MostCompared : spec.Window - (t - s);
            return Enumerable.Range(0, Math.Min(end + 1, most)).TakeWhile(back => tokens[end - back] == tokens[s - back]).Count();
        }
    }

    private static void Add(double[][] x, double[][] y)
    {
        for (var t = 0; t < x.Length; t++) for (var i = 0; i < x[t].Length; i++) x[t][i] += y[t][i];
    }

    private double[] Linear(LinearSpec spec, double[] x)
    {
        var y = new List<double>();
        foreach (var part in spec.Parts)
        {
            var w = _weights[part.Weight];
            for (var o = 0; o < part.Outputs; o++)
            {
                var sum = part.Bias is null ? 0 : _weights[part.Bias][o];
                for (var i = 0; i < spec.Inputs; i++) sum += x[i] * (spec.Transposed ? w[i * part.Outputs + o] : w[o * spec.Inputs + i]);
                y.Add(sum);
            }
        }
        return [.. y];
    }

    private double[] Norm(NormSpec? spec, double[] x, MambaSpec mamba)
    {
        if (mamba.PlainNormEps is not { } epsilon) return Norm(spec, x);
        var root = Math.Sqrt(x.Sum(value => value * value) / x.Length + epsilon);
        return [.. x.Select(value => value / root)];
    }

    private double[] Norm(NormSpec? spec, double[] x)
    {
        if (spec is null) return x;
        var mean = spec.Bias is null ? 0 : x.Average();
        var scale = 1 / Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + spec.Epsilon);
        var bias = spec.Bias is null ? new double[x.Length] : _weights[spec.Bias];
        return [.. x.Select((value, i) => (value - mean) * scale * _weights[spec.Weight][i] + bias[i])];
    }

    private double[] FeedForward(FeedForwardSpec spec, double[] x)
    {
        switch (spec)
        {
            case SwiGluSpec gated:
                var wide = Linear(gated.GateUp, x);
                var f = wide.Length / 2;
                return Linear(
                    gated.Down,
                    [.. Enumerable.Range(0, f).Select(i => PlainActivation.Of(gated.Activation, wide[i]) * wide[f + i])]
                );
            case GeluSpec gelu:
                return Linear(gelu.Down, [.. Linear(gelu.Up, x).Select(value => PlainActivation.Of(gelu.Activation, value))]);
            case MixtureSpec mixture:
                var scores = Linear(mixture.Router, x).Select(Math.Exp).ToArray();
                var best = Enumerable.Range(0, scores.Length).OrderByDescending(e => scores[e]).Take(mixture.TopK).ToArray();
                var total = mixture.Renormalize ? best.Sum(e => scores[e]) : scores.Sum();
                var outputs = best.Select(e => FeedForward(mixture.Experts[e], x).Select(v => v * scores[e] / total).ToArray()).ToArray();
                return [.. x.Select((_, i) => outputs.Sum(output => output[i]))];
            default:
                throw new NotSupportedException(spec.ToString());
        }
    }

    private double[][] Mix(MixerSpec spec, double[][] x) => spec switch
    {
        AttentionSpec attention => Attention(attention, x),
        MambaSpec mamba => Mamba(mamba, x),
        Mamba2Spec mamba2 => Mamba2(mamba2, x),
        _ => throw new NotSupportedException(spec.ToString()),
    };

    private double[][] Attention(AttentionSpec spec, double[][] x)
    {
        int e = spec.HeadDim, heads = spec.Heads, kv = spec.KvHeads;
        var qkv = x.Select(row => Linear(spec.Qkv, row)).ToArray();
        double[] Head(int t, int at) => qkv[t][(at * e)..((at + 1) * e)];
        var slopes = spec.Position is AlibiPosition ? AlibiPosition.Slopes(heads) : new float[heads];
        return [.. x.Select((_, t) =>
        {
            var joined = new List<double>();
            for (var h = 0; h < heads; h++)
            {
                var q = Turn(spec.Position, t, Norm(spec.QueryNorm, Head(t, h)));
                var from = Math.Max(0, t - (spec.Window ?? int.MaxValue - 1000) + 1);
                var seen = Enumerable.Range(from, t - from + 1).ToArray();
                var weights = seen.Select(p =>
                {
                    var key = Turn(spec.Position, p, Norm(spec.KeyNorm, Head(p, heads + h * kv / heads)));
                    return Math.Exp(q.Zip(key, (a, b) => a * b).Sum() / Math.Sqrt(e) * spec.QueryScale - slopes[h] * (t - p));
                }).ToArray();
                for (var i = 0; i < e; i++)
                {
                    joined.Add(seen.Zip(weights, (p, w) => w * qkv[p][(heads + kv + h * kv / heads) * e + i]).Sum() / weights.Sum());
                }
            }
            return Linear(spec.Output, [.. joined]);
        })];
    }

    private double[] Turn(PositionSpec position, int t, double[] head)
    {
        if (position is not RotaryPosition rotary) return head;
        var half = head.Length / 2;
        var frequencies = PlainRotary.Frequencies(rotary, head.Length, _lengthAt(t), out var magnitude);
        return [.. head.Select((value, i) =>
        {
            var angle = t * frequencies[i % half];
            return magnitude * (value * Math.Cos(angle) + Math.Sin(angle) * (i < half ? -head[i + half] : head[i - half]));
        })];
    }

    private double[][] Mamba(MambaSpec spec, double[][] x)
    {
        int inner = spec.DInner, n = spec.DState, r = spec.DtRank;
        var xz = x.Select(row => Linear(spec.In, row)).ToArray();
        var u = Convolve(spec.Convolution, [.. xz.Select(row => row[..inner])]);
        var h = new double[inner, n];
        return [.. u.Select((row, t) =>
        {
            var selection = Linear(spec.X, row);
            var dt = Linear(spec.Dt, Norm(spec.DtNorm, selection[..r], spec)).Select(Softplus).ToArray();
            var (b, c) = (Norm(spec.BNorm, selection[r..(r + n)], spec), Norm(spec.CNorm, selection[(r + n)..], spec));
            var y = new double[inner];
            for (var i = 0; i < inner; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    h[i, j] = Math.Exp(-dt[i] * Math.Exp(_weights[spec.ALog][i * n + j])) * h[i, j] + dt[i] * b[j] * row[i];
                    y[i] += c[j] * h[i, j];
                }
                y[i] = (y[i] + _weights[spec.Skip][i] * row[i]) * Silu(xz[t][inner + i]);
            }
            return Linear(spec.Output, y);
        })];
    }

    private double[][] Mamba2(Mamba2Spec spec, double[][] x)
    {
        int inner = spec.DInner, n = spec.DState, p = spec.HeadDim;
        var wide = x.Select(row => Linear(spec.In, row)).ToArray();
        var mixed = Convolve(spec.Convolution, [.. wide.Select(row => row[inner..(inner + spec.Convolution.Channels)])]);
        var h = new double[inner, n];
        return [.. mixed.Select((row, t) =>
        {
            var y = new double[inner];
            for (var i = 0; i < inner; i++)
            {
                var head = i / p;
                var dt = Softplus(wide[t][inner + spec.Convolution.Channels + head] + _weights[spec.DtBias][head]);
                dt = Math.Clamp(dt, spec.MinDt, spec.MaxDt);
                var b = inner + head / (spec.Heads / spec.Groups) * n;
                for (var j = 0; j < n; j++)
                {
                    h[i, j] = Math.Exp(-dt * Math.Exp(_weights[spec.ALog][head])) * h[i, j] + dt * row[b + j] * row[i];
                    y[i] += row[b + spec.Groups * n + j] * h[i, j];
                }
                y[i] = (y[i] + _weights[spec.Skip][head] * row[i]) * Silu(wide[t][i]);
            }
            return Linear(spec.Output, Norm(spec.Norm, y));
        })];
    }

    private double[][] Convolve(ConvolutionSpec spec, double[][] x) => [.. x.Select((_, t) => Enumerable.Range(0, spec.Channels).Select(c =>
    {
        var sum = spec.Bias is null ? 0 : _weights[spec.Bias][c];
        for (var k = 0; k < spec.Width; k++)
        {
            var at = t + k - spec.Width + 1;
            if (at >= 0) sum += _weights[spec.Weight][c * spec.Width + k] * x[at][c];
        }
        return Silu(sum);
    }).ToArray())];

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static double Softplus(double x) => Math.Log(1 + Math.Exp(x));
}
