using System.Globalization;
using System.Net;
using System.Text;

namespace Dolmen.Artifacts.Reports;

/// <summary>A page that opens from disk: inline style, no script, nothing loaded. Every text is escaped.</summary>
public sealed class HtmlPage
{
    private readonly StringBuilder _page = new();
    private readonly List<(string Anchor, string Title)> _anchors = [];
    private int _contents = -1;

    /// <summary>The style that all pages share.</summary>
    public static string SharedStyle => EmbeddedText.Read(typeof(HtmlPage), "report.css");

    /// <param name="style">Style of this page alone.</param>
    public HtmlPage(string title, string style)
    {
        _page.Append(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                + "initial-scale=1\">"
        );
        _page.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
        _page.Append(
            $"<title>{Escape(title)}</title><style>\n{SharedStyle}{style}</style></head><body><main>\n<h1>{Escape(title)}</h1>\n"
        );
    }

    public void Lead(string text) => _page.Append($"<p class=\"lead\">{Escape(text)}</p>\n");

    public void Note(string text) => _page.Append($"<p class=\"note\">{Escape(text)}</p>\n");

    /// <param name="anchor">What a link within the page goes to; null for none.</param>
    public void Section(string title, string? anchor = null)
    {
        if (anchor is not null) _anchors.Add((anchor, title));
        _page.Append(anchor is null ? "<h2>" : $"<h2 id=\"{Escape(anchor)}\">").Append($"{Escape(title)}</h2>\n");
    }

    /// <summary>Here go links to every section with an anchor, whether it comes before or after.</summary>
    public void Contents() => _contents = _page.Length;

    /// <param name="html">Escaped by the caller.</param>
    public void Raw(string html) => _page.Append(html);

    /// <param name="rows">Cells, and the length of a bar behind them; NaN for none.</param>
    public void Bars(IReadOnlyList<string> head, IReadOnlyList<(string[] Cells, double Size)> rows)
    {
        if (rows.Count == 0)
        {
            Note("None.");
            return;
        }
        var most = rows.Select(row => row.Size).Where(double.IsFinite).DefaultIfEmpty(0).Max();
        _page
            .Append("<div class=\"scroll\" tabindex=\"0\"><table><tr>")
            .AppendJoin("", head.Select(HeadCell))
            .Append("<td></td></tr>\n");
        foreach (var (cells, size) in rows)
        {
            _page.Append("<tr>").AppendJoin("", cells.Select(cell => $"<td>{Escape(cell)}</td>"));
            _page.Append(
                CultureInfo.InvariantCulture,
                $"<td class=\"bar\"><span "
                    + $"style=\"width:{(most > 0 && double.IsFinite(size) ? 100 * size / most : 0):0.#}%\"></span></td></tr>\n"
            );
        }
        _page.Append("</table></div>\n");
    }

    /// <param name="rows">The last cell of each is a flag.</param>
    public void Flagged(IReadOnlyList<string> head, IEnumerable<string[]> rows)
    {
        _page.Append("<div class=\"scroll\" tabindex=\"0\"><table><tr>").AppendJoin("", head.Select(HeadCell)).Append("</tr>\n");
        foreach (var row in rows)
            _page
                .Append("<tr>")
                .AppendJoin("", row.Select((cell, i) => $"<td{(i == row.Length - 1 ? " class=\"flag\"" : "")}>{Escape(cell)}</td>"))
                .Append("</tr>\n");
        _page.Append("</table></div>\n");
    }

    public override string ToString()
    {
        const string end = "</main></body></html>\n";
        if (_contents < 0 || _anchors.Count == 0) return _page + end;
        var links = string.Join(" · ", _anchors.Select(part => $"<a href=\"#{Escape(part.Anchor)}\">{Escape(part.Title)}</a>"));
        return new StringBuilder(_page.ToString())
            .Insert(_contents, $"<nav aria-label=\"On this page\">On this page: {links}</nav>\n").Append(end).ToString();
    }

    /// <summary>The head of a column.</summary>
    public static string HeadCell(string text) => $"<th scope=\"col\">{Escape(text)}</th>";

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Percent(double share) =>
        $"{(share * 100).ToString(share is > 0 and < 0.001 ? "0.####" : "0.##", CultureInfo.InvariantCulture)} %";

    public static string Number(double value) => Math.Abs(value) switch
    {
        >= 1e9 => $"{(value / 1e9).ToString("0.##", CultureInfo.InvariantCulture)}G",
        >= 1e6 => $"{(value / 1e6).ToString("0.##", CultureInfo.InvariantCulture)}M",
        >= 1e5 => $"{(value / 1e3).ToString("0.#", CultureInfo.InvariantCulture)}k",
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };
}
