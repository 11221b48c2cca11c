using System.Globalization;
using System.Net;
using System.Text;

namespace Dolmen.Benchmarks;

/// <summary>Lines over two logarithmic axes as a stand-alone SVG: slopes are powers, so that constant, linear and quadratic cost tell
/// apart.</summary>
internal static class LogChart
{
    private const double Width = 720, Height = 420, Left = 70, Right = 190, Top = 36, Bottom = 48;

    private static readonly string[] Colours =
    [
        "#1f77b4",
        "#d62728",
        "#2ca02c",
        "#9467bd",
        "#ff7f0e",
        "#8c564b",
        "#17becf",
        "#7f7f7f",
        "#bcbd22",
        "#e377c2",
    ];

    public static string Svg(
        string title,
        string xLabel,
        string yLabel,
        IReadOnlyList<(string Name, IReadOnlyList<(double X, double Y)> Points)> series
    )
    {
        var all = series.SelectMany(one => one.Points).ToList();
        var (x0, x1) = (Math.Log2(all.Min(point => point.X)), Math.Log2(all.Max(point => point.X)));
        var (y0, y1) = (Math.Floor(Math.Log10(all.Min(point => point.Y))), Math.Ceiling(Math.Log10(all.Max(point => point.Y))));
        if (y1 <= y0) y1 = y0 + 1;
        double X(double value) => Left + (Math.Log2(value) - x0) / Math.Max(1e-9, x1 - x0) * (Width - Left - Right);
        double Y(double value) => Height - Bottom - (Math.Log10(value) - y0) / (y1 - y0) * (Height - Top - Bottom);
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">"
        );
        svg.Append(
            $"<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/><text x=\"{Left}\" y=\"20\" "
                + $"font-size=\"14\">{WebUtility.HtmlEncode(title)}</text>"
        );
        for (var power = y0; power <= y1; power++)
        {
            var y = At(Y(Math.Pow(10, power)));
            svg.Append(
                $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#dddddd\"/><text x=\"{Left - 6}\" y=\"{y}\" "
                    + $"text-anchor=\"end\">{Label(Math.Pow(10, power))}</text>"
            );
        }
        foreach (var x in all.Select(point => point.X).Distinct().Order())
            svg.Append($"<text x=\"{At(X(x))}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{Label(x)}</text>");
        svg.Append(
            $"<text x=\"{At((Left + Width - Right) / 2)}\" y=\"{Height - 10}\" "
                + $"text-anchor=\"middle\">{WebUtility.HtmlEncode(xLabel)}</text>"
        );
        svg.Append(
            $"<text transform=\"translate(16 {At((Top + Height - Bottom) / 2)}) rotate(-90)\" "
                + $"text-anchor=\"middle\">{WebUtility.HtmlEncode(yLabel)}</text>"
        );
        for (var i = 0; i < series.Count; i++)
        {
            var colour = Colours[i % Colours.Length];
            svg.Append($"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"");
            svg.AppendJoin(' ', series[i].Points.Select(point => $"{At(X(point.X))},{At(Y(point.Y))}")).Append("\"/>");
            foreach (var point in series[i].Points)
                svg.Append($"<circle cx=\"{At(X(point.X))}\" cy=\"{At(Y(point.Y))}\" r=\"3\" fill=\"{colour}\"/>");
            var y = Top + 14 + 18 * i;
            svg.Append(
                $"<line x1=\"{Width - Right + 12}\" x2=\"{Width - Right + 30}\" y1=\"{At(y - 4)}\" y2=\"{At(y - 4)}\" stroke=\"{colour}\" "
                    + $"stroke-width=\"2\"/>"
            );
            svg.Append($"<text x=\"{Width - Right + 36}\" y=\"{At(y)}\">{WebUtility.HtmlEncode(series[i].Name)}</text>");
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static string At(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Label(double value) => value switch
    {
        >= 1e9 => $"{value / 1e9:0.##}G",
        >= 1e6 => $"{value / 1e6:0.##}M",
        >= 1e4 => $"{value / 1e3:0.##}k",
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };
}
