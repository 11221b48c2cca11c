using System.Globalization;
using System.Text;
using Dolmen.Artifacts.Reports;

namespace Dolmen.Tokenization.LanguageCosts;

/// <summary>A bar a language, the most expensive first, and a line where the reference is.</summary>
internal static class PremiumChart
{
    private const double Width = 720, Label = 150, Right = 56, Row = 15, Top = 8, Bottom = 22;

    private const string OwnStyle =
        "<style>text{fill:#1d2126;font:11px "
            + "system-ui,sans-serif}rect{fill:#1f6fb2}rect.reference{fill:#2e8540}.one{stroke:#c2571a;stroke-dasharray:4 3}</style><rect "
            + "width=\"100%\" height=\"100%\" style=\"fill:#fdfdfc\"/>";

    /// <param name="alone">For a file of its own: with its style and a white ground.</param>
    public static string Svg(TokenizerCosts costs, string reference, bool alone = false)
    {
        var height = Top + Row * costs.Languages.Count + Bottom;
        var most = Math.Max(1, costs.Languages.Max(cost => cost.Premium));
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" "
                + $"aria-label=\"{HtmlPage.Escape($"Premium by language with {costs.Name}")}\">{(alone ? OwnStyle : "")}<g class=\"bars\">"
        );
        var y = Top;
        foreach (var cost in costs.Languages)
        {
            var name = HtmlPage.Escape(cost.Name.Length > 0 && cost.Name.Length <= 16 ? $"{cost.Name} ({cost.Language})" : cost.Language);
            var width = Math.Max(0.5, X(cost.Premium) - Label);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Label - 6}\" y=\"{y + Row - 4:0.#}\" text-anchor=\"end\">{name}</text>");
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<rect{(cost.Language == reference ? " class=\"reference\"" : "")} x=\"{Label}\" y=\"{y + 2:0.#}\" width=\"{width:0.##}\" "
                    + $"height=\"{Row - 4}\"><title>{name}: {cost.Premium:0.00}, {cost.MeanTokens:0.0} tokens a sentence</title></rect>"
            );
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{Label + width + 5:0.#}\" y=\"{y + Row - 4:0.#}\">{cost.Premium:0.00}</text>"
            );
            y += Row;
        }
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<line class=\"one\" x1=\"{X(1):0.#}\" x2=\"{X(1):0.#}\" y1=\"{Top - 4}\" y2=\"{y + 4:0.#}\"/><text x=\"{X(1):0.#}\" "
                + $"y=\"{y + 16:0.#}\" text-anchor=\"middle\">{HtmlPage.Escape(reference)} = 1</text>"
        );
        return svg.Append("</g></svg>").ToString();

        double X(double premium) => Label + premium / most * (Width - Label - Right);
    }
}
