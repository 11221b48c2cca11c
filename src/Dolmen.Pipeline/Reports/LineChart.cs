using System.Net;
using System.Text;

namespace Dolmen.Pipeline.Reports;

public sealed record ChartSeries(string Name, IReadOnlyList<CurvePoint> Points, bool Marked = false);

/// <summary>Lines over a number axis as inline SVG. Colours come from the page's classes, so that both colour schemes work.</summary>
public static class LineChart
{
    private const double Width = 480, Height = 280, Left = 62, Right = 16, Top = 14, Bottom = 46;

    /// <returns>Empty when there is nothing to draw.</returns>
    public static string Svg(string title, string xLabel, string yLabel, IReadOnlyList<ChartSeries> series)
    {
        series = [.. series.Where(one => one.Points.Count > 0)];
        if (series.Count == 0) return "";
        var all = series.SelectMany(one => one.Points).ToList();
        var x = Axis.Of(all.Min(point => point.X), all.Max(point => point.X), Left, Width - Right);
        var y = Axis.Of(all.Min(point => point.Y), all.Max(point => point.Y), Height - Bottom, Top);
        var svg = new StringBuilder();
        svg.Append(
            $"<figure><figcaption>{Escape(title)}</figcaption><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" "
                + $"aria-label=\"{Escape(title)}\">"
        );
        foreach (var tick in y.Ticks())
        {
            svg.Append($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{At(y.Map(tick))}\" y2=\"{At(y.Map(tick))}\"/>");
            svg.Append($"<text class=\"tick\" x=\"{Left - 6}\" y=\"{At(y.Map(tick) + 4)}\" text-anchor=\"end\">{y.Label(tick)}</text>");
        }
        foreach (var tick in x.Ticks())
            svg.Append(
                $"<text class=\"tick\" x=\"{At(x.Map(tick))}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{x.Label(tick)}</text>"
            );
        svg.Append($"<path class=\"axis\" d=\"M{Left} {Top}V{Height - Bottom}H{Width - Right}\"/>");
        svg.Append(
            $"<text class=\"label\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 6}\" text-anchor=\"middle\">{Escape(xLabel)}</text>"
        );
        svg.Append(
            $"<text class=\"label\" transform=\"translate(14 {(Top + Height - Bottom) / 2}) rotate(-90)\" "
                + $"text-anchor=\"middle\">{Escape(yLabel)}</text>"
        );
        for (var i = 0; i < series.Count; i++)
            Draw(svg, series[i], i, x, y);
        svg.Append("</svg><ul class=\"legend\">");
        for (var i = 0; i < series.Count; i++)
            svg.Append($"<li class=\"s{i % 4}\">{Escape(series[i].Name)}: {Label(series[i].Points[^1].Y)} at the end</li>");
        return svg.Append("</ul></figure>").ToString();
    }

    private static void Draw(StringBuilder svg, ChartSeries series, int index, Axis x, Axis y)
    {
        svg.Append($"<polyline class=\"line s{index % 4}\" points=\"");
        svg.AppendJoin(' ', series.Points.Select(point => $"{At(x.Map(point.X))},{At(y.Map(point.Y))}")).Append("\"/>");
        if (!series.Marked && series.Points.Count > 1) return;
        foreach (var point in series.Points)
        {
            svg.Append($"<circle class=\"s{index % 4}\" cx=\"{At(x.Map(point.X))}\" cy=\"{At(y.Map(point.Y))}\" r=\"3\">");
            svg.Append($"<title>{Escape(series.Name)} {Label(point.Y)} at {Label(point.X)}</title></circle>");
        }
    }

    private static string At(double value) => $"{value:0.#}";

    private static string Label(double value) => Math.Abs(value) switch
    {
        >= 1e9 => $"{value / 1e9:0.##}G",
        >= 1e6 => $"{value / 1e6:0.##}M",
        >= 1e4 => $"{value / 1e3:0.##}k",
        0 => "0",
        < 1e-3 => $"{value:0.0e0}",
        _ => $"{value:0.###}",
    };

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A linear axis whose ends and ticks are round numbers.</summary>
    private readonly record struct Axis(double From, double To, double Step, double Start, double End)
    {
        public static Axis Of(double low, double high, double start, double end)
        {
            if (high - low < 1e-12 * Math.Max(1, Math.Abs(high))) (low, high) = (low - 0.5, high + 0.5);
            var raw = (high - low) / 5;
            var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
            var step = power * (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
            return new Axis(Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, step, start, end);
        }

        /// <summary>A tick with as many decimals as its neighbours have: 2.0 between 1.8 and 2.2.</summary>
        public string Label(double tick)
        {
            var decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(Step)));
            return decimals <= 3 && Math.Abs(tick) < 1e4 ? tick.ToString($"F{decimals}") : LineChart.Label(tick);
        }

        public double Map(double value) => Start + (value - From) / (To - From) * (End - Start);

        public IEnumerable<double> Ticks()
        {
            for (var i = 0; From + i * Step <= To + Step / 2; i++) yield return Math.Round(From + i * Step, 12);
        }
    }
}
