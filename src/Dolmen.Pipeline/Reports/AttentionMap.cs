using System.Net;
using System.Text;

namespace Dolmen.Pipeline.Reports;

/// <summary>What each target token looked at, as a heat map: a row for each target token, a column for each source token. A file of its
/// own, for light and dark surroundings.</summary>
public static class AttentionMap
{
    private const int Cell = 22, CharacterWidth = 8, Margin = 10;

    private const string Style =
        "<style>text{font:13px system-ui,sans-serif;fill:#333}rect{fill:#1f6feb}.frame{fill:none;stroke:#999}" +
        "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#6cb0ff}.frame{stroke:#777}}</style>";

    /// <param name="weights">(target, source), each row summing to 1.</param>
    public static string Svg(IReadOnlyList<string> source, IReadOnlyList<string> target, IReadOnlyList<float[]> weights)
    {
        var (left, top) = (Margin + CharacterWidth * target.Max(Shown), Margin + CharacterWidth * source.Max(Shown));
        var (width, height) = (left + Cell * source.Count + top, top + Cell * target.Count + Margin);
        var svg = new StringBuilder();
        svg.Append(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" "
                + $"role=\"img\" aria-label=\"Attention\">"
        );
        svg.Append(Style);
        for (var s = 0; s < source.Count; s++)
            svg.Append($"<text transform=\"translate({left + Cell * s + 15} {top - 5}) rotate(-60)\">{Escape(source[s])}</text>");
        for (var t = 0; t < target.Count; t++)
        {
            var y = top + Cell * t;
            svg.Append($"<text x=\"{left - 6}\" y=\"{y + 15}\" text-anchor=\"end\">{Escape(target[t])}</text>");
            for (var s = 0; s < source.Count; s++)
            {
                if (weights[t][s] < 0.005f)
                    continue;
                svg.Append(
                    $"<rect x=\"{left + Cell * s}\" y=\"{y}\" width=\"{Cell}\" height=\"{Cell}\" fill-opacity=\"{weights[t][s]:0.##}\">"
                );
                svg.Append($"<title>{Escape(target[t])} ← {Escape(source[s])}: {weights[t][s]:0.00}</title></rect>");
            }
        }
        svg.Append($"<rect class=\"frame\" x=\"{left}\" y=\"{top}\" width=\"{Cell * source.Count}\" height=\"{Cell * target.Count}\"/>");
        return svg.Append("</svg>\n").ToString();
    }

    private static int Shown(string token) => Math.Max(1, token.Trim().Length);

    private static string Escape(string token) => WebUtility.HtmlEncode(token.Trim().Length == 0 ? "␣" : token.Trim());
}
