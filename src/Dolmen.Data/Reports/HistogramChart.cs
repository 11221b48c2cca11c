using System.Globalization;
using System.Text;
using Dolmen.Artifacts.Reports;

namespace Dolmen.Data.Reports;

/// <summary>A histogram as inline SVG with the thresholds drawn in. Bars on the side that is dropped have the other colour.</summary>
internal static class HistogramChart
{
    private const double Width = 560, Height = 190, Left = 10, Right = 10, Top = 18, Bottom = 26, ZeroWidth = 14, LabelWidth = 50;

    /// <summary>A threshold as it is drawn.</summary>
    /// <param name="KeepsAbove">Whether what is kept lies above it.</param>
    public readonly record struct Line(double At, bool KeepsAbove);

    public static string Svg(string title, Histogram histogram, IReadOnlyList<Line> lines)
    {
        var scale = Scale.Of(histogram, lines);
        var bars = histogram.Bars();
        var zeros = histogram.IsFraction ? 0 : histogram.Zeros + histogram.Negatives;
        var most = Math.Max(zeros, bars.Select(bar => bar.Count).DefaultIfEmpty(0).Max());
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{HtmlPage.Escape(title)}\"><g class=\"bars\">"
        );
        if (zeros > 0)
            Bar(svg, Left, ZeroWidth, zeros, most, IsOut(0, lines), histogram.Negatives > 0 ? "0 and less" : "0");
        foreach (var (from, to, count) in bars)
            if (count > 0)
                Bar(
                    svg,
                    scale.X(from),
                    Math.Max(0.8, scale.X(to) - scale.X(from) - 0.4),
                    count,
                    most,
                    IsOut(Math.Sqrt(Math.Max(from, 1e-9) * to), lines),
                    $"{HtmlPage.Number(from)} to {HtmlPage.Number(to)}"
                );
        svg.Append(CultureInfo.InvariantCulture, $"</g><path class=\"axis\" d=\"M{Left} {Height - Bottom}H{Width - Right}\"/>");
        if (zeros > 0) Tick(svg, Left + (ZeroWidth / 2), histogram.Negatives > 0 ? "≤ 0" : "0");
        foreach (var tick in scale.Ticks()) Tick(svg, scale.X(tick), HtmlPage.Number(tick));
        var labelled = double.NegativeInfinity;
        foreach (var line in lines.OrderBy(line => line.At))
        {
            var x = scale.X(line.At);
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line class=\"threshold\" x1=\"{x:0.#}\" x2=\"{x:0.#}\" y1=\"{Top - 4}\" "
                    + $"y2=\"{Height - Bottom}\"><title>{(line.KeepsAbove ? "≥" : "≤")} {HtmlPage.Number(line.At)}</title></line>"
            );
            if (x - labelled < LabelWidth)
                continue;
            labelled = x;
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text class=\"at\" x=\"{x:0.#}\" y=\"{Top - 7}\" "
                    + $"text-anchor=\"{(x < 60 ? "start" : x > Width - 60 ? "end" : "middle")}\">{(line.KeepsAbove ? "≥" : "≤")} "
                    + $"{HtmlPage.Number(line.At)}</text>"
            );
        }
        return svg.Append("</svg>").ToString();
    }

    private static bool IsOut(double value, IReadOnlyList<Line> lines)
    {
        foreach (var line in lines)
            if (line.KeepsAbove ? value < line.At : value > line.At) return true;
        return false;
    }

    // The height is the root of the count: a hundredth of the documents is still a tenth of the height.
    private static void Bar(StringBuilder svg, double x, double width, long count, long most, bool isOut, string range)
    {
        var height = Math.Sqrt((double)count / most) * (Height - Top - Bottom);
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<rect{(isOut ? " class=\"out\"" : "")} x=\"{x:0.##}\" y=\"{Height - Bottom - height:0.##}\" width=\"{width:0.##}\" "
                + $"height=\"{height:0.##}\"><title>{range}: {HtmlPage.Count(count)}</title></rect>"
        );
    }

    private static void Tick(StringBuilder svg, double x, string label) =>
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text class=\"tick\" x=\"{x:0.#}\" y=\"{Height - Bottom + 15}\" "
                + $"text-anchor=\"{(x < 20 ? "start" : x > Width - 20 ? "end" : "middle")}\">{label}</text>"
        );

    private readonly record struct Scale(double From, double To, bool Logarithmic)
    {
        private double Start => Logarithmic ? Left + ZeroWidth + 6 : Left;

        public static Scale Of(Histogram histogram, IReadOnlyList<Line> lines)
        {
            if (histogram.IsFraction) return new(0, 1, false);
            var bars = histogram.Bars();
            var (from, to) = bars.Count == 0 ? (1.0, 10.0) : (bars[0].From, bars[^1].To);
            foreach (var line in lines)
                if (line.At > 0) (from, to) = (Math.Min(from, line.At), Math.Max(to, line.At * 1.01));
            return new(from, Math.Max(to, from * 2), true);
        }

        public double X(double value)
        {
            var share = !Logarithmic ? (value - From) / (To - From) : value <= 0 ? 0 : Math.Log(value / From) / Math.Log(To / From);
            return Logarithmic && value <= 0 ? Left + ZeroWidth + 2 : Start + (Math.Clamp(share, 0, 1) * (Width - Right - Start));
        }

        public IEnumerable<double> Ticks()
        {
            if (!Logarithmic)
            {
                for (var i = 0; i <= 5; i++) yield return i / 5.0;
                yield break;
            }
            var decades = Math.Log10(To / From);
            for (var e = (int)Math.Floor(Math.Log10(From)); e <= Math.Log10(To); e++)
                foreach (var mantissa in decades > 3 ? [1.0] : decades > 1.5 ? (double[])[1, 3] : [1, 2, 5])
                    if (mantissa * Math.Pow(10, e) is var tick && tick >= From && tick <= To)
                        yield return tick;
        }
    }
}
