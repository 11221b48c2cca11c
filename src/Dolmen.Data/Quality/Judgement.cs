namespace Dolmen.Data.Quality;

/// <param name="Mean">Mean score of the documents whose score lies in [<paramref name="From"/>, <paramref name="To"/>).</param>
/// <param name="Good">Share of them that are good, which calibrated scores equal.</param>
public sealed record ReliabilityBin(double From, double To, int Documents, double Mean, double Good);

/// <summary>How well scores tell good documents from others, on documents that neither training nor calibration saw.</summary>
/// <param name="Auc">Probability that a good document scores above another (ties count half).</param>
/// <param name="Accuracy">At 0.5, as are <paramref name="Precision"/>, <paramref name="Recall"/> and <paramref name="F1"/>.</param>
/// <param name="CalibrationError">Expected calibration error over ten bins.</param>
public sealed record Judgement(
    int Documents, double Auc, double Accuracy, double Precision, double Recall, double F1, double LogLoss, double CalibrationError,
    IReadOnlyList<ReliabilityBin> Reliability)
{
    private const int Bins = 10;
    private const double Certain = 1e-15;

    internal static Judgement Of(ReadOnlySpan<double> scores, ReadOnlySpan<bool> good, ReadOnlySpan<double> weights)
    {
        double all = 0, right = 0, truePositive = 0, falsePositive = 0, falseNegative = 0, loss = 0;
        var bins = new (int Documents, double Weight, double Score, double Good)[Bins];
        for (var i = 0; i < scores.Length; i++)
        {
            var (score, weight) = (scores[i], weights[i]);
            var kept = score >= 0.5;
            all += weight;
            if (kept == good[i]) right += weight;
            if (kept && good[i]) truePositive += weight;
            if (kept && !good[i]) falsePositive += weight;
            if (!kept && good[i]) falseNegative += weight;
            loss -= weight * Math.Log(Math.Clamp(good[i] ? score : 1 - score, Certain, 1));
            ref var bin = ref bins[Math.Clamp((int)(score * Bins), 0, Bins - 1)];
            bin = (bin.Documents + 1, bin.Weight + weight, bin.Score + (weight * score), bin.Good + (good[i] ? weight : 0));
        }
        var precision = Ratio(truePositive, truePositive + falsePositive);
        var recall = Ratio(truePositive, truePositive + falseNegative);
        var reliability = new List<ReliabilityBin>();
        double error = 0;
        for (var b = 0; b < Bins; b++)
        {
            if (bins[b].Documents == 0) continue;
            var (mean, share) = (bins[b].Score / bins[b].Weight, bins[b].Good / bins[b].Weight);
            error += bins[b].Weight / all * Math.Abs(mean - share);
            reliability.Add(new ReliabilityBin((double)b / Bins, (double)(b + 1) / Bins, bins[b].Documents, mean, share));
        }
        return new Judgement(
            scores.Length,
            AreaUnderCurve(scores, good),
            Ratio(right, all),
            precision,
            recall,
            Ratio(2 * precision * recall, precision + recall),
            Ratio(loss, all),
            error,
            reliability
        );
    }

    /// <summary>Computes the area by ranks (Mann and Whitney); equal scores share their mean rank.</summary>
    internal static double AreaUnderCurve(ReadOnlySpan<double> scores, ReadOnlySpan<bool> good)
    {
        var keys = scores.ToArray();
        var labels = good.ToArray();
        Array.Sort(keys, labels);
        double ranks = 0, goods = 0;
        for (var i = 0; i < keys.Length;)
        {
            var end = i;
            while (end < keys.Length && keys[end].Equals(keys[i])) end++;
            for (var j = i; j < end; j++)
            {
                if (!labels[j]) continue;
                ranks += (i + 1 + end) / 2.0;
                goods++;
            }
            i = end;
        }
        var others = keys.Length - goods;
        return goods == 0 || others == 0 ? 0.5 : (ranks - (goods * (goods + 1) / 2)) / (goods * others);
    }

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;
}
