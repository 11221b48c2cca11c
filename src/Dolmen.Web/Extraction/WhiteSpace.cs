using System.Text;

namespace Dolmen.Web.Extraction;

/// <summary>White space as HTML and XML treat it: a run of it is one space, and none stands at either end.</summary>
public static class WhiteSpace
{
    public static string Collapse(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsWhiteSpace(c)) result.Append(c);
            else if (result.Length > 0 && result[^1] != ' ') result.Append(' ');
        }
        if (result.Length > 0 && result[^1] == ' ') result.Length--;
        return result.ToString();
    }
}
