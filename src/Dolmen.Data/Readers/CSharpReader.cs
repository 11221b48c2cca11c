using System.Text;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>The documentation comments of C# sources with the declarations they stand on, read by line and indentation, not by a compiler;
/// a source without such comments is plain text.</summary>
internal static partial class CSharpReader
{
    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel, CancellationToken stop)
    {
        var text = BoundedText.ReadText(file, funnel).ReplaceLineEndings("\n");
        var entries = Documented(text.Split('\n'), file, funnel, stop).ToList();
        return entries.Count > 0 ? entries : Passages.Cut(text, Path.GetFileName(file.Name), file.Name, funnel);
    }

    private static IEnumerable<Entry> Documented(string[] lines, InputFile file, Funnel funnel, CancellationToken stop)
    {
        var space = "";
        var types = new Stack<(int Indent, string Name)>();
        var comment = new StringBuilder();
        for (var i = 0; i < lines.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            var line = lines[i].Trim();
            if (line.StartsWith("///", StringComparison.Ordinal))
            {
                comment.Append(line.AsSpan(3)).Append('\n');
                continue;
            }
            if (
                line.Length is 0 or > 2000
                || line.StartsWith('[')
                || line.StartsWith("//", StringComparison.Ordinal)
                || line.StartsWith('#')
            )
                continue;
            if (Namespace().Match(line) is { Success: true } named)
                space = named.Groups[1].Value;
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            var type = TypeDeclaration().Match(line);
            if (!type.Success && comment.Length == 0) continue;
            while (types.Count > 0 && types.Peek().Indent >= indent) types.Pop();
            var container = types.Count > 0 ? types.Peek().Name : space;
            MemberName? name;
            if (type.Success)
            {
                var full = container.Length > 0 ? $"{container}.{type.Groups[1].Value}" : type.Groups[1].Value;
                types.Push((indent, full));
                name = new MemberName(EntryKind.Type, type.Groups[1].Value, container, full);
            }
            else
            {
                var last = i;
                var declaration = line;
                while (declaration.Length < 4000 && Open(declaration) && last + 1 < Math.Min(lines.Length, i + 20))
                    declaration += " " + lines[++last].Trim();
                name = Member(declaration, container);
            }
            if (comment.Length > 0 && name is not null && XmlTree.Read($"<member>{comment}</member>", funnel, stop) is { } tags)
                yield return XmlDocReader.FromTags(tags, $"{(name.Kind == EntryKind.Type ? 'T' : 'M')}:{name.Signature}", name, file.Name);
            comment.Clear();
        }
    }

    private static bool Open(string declaration) => declaration.Count(c => c == '(') > declaration.Count(c => c == ')');

    private static MemberName? Member(string declaration, string container)
    {
        var match = MemberDeclaration().Match(declaration);
        if (!match.Success || container.Length == 0) return null;
        var name = match.Groups["name"].Value;
        var list = match.Groups["list"];
        if (list.Success && container.EndsWith("." + name, StringComparison.Ordinal))
            return new MemberName(EntryKind.Constructor, name, container, $"new {container}{WhiteSpace.Collapse(list.Value)}");
        var kind =
            list.Success ? EntryKind.Method
            : declaration.Contains('{', StringComparison.Ordinal) ? EntryKind.Property
            : EntryKind.Field;
        return new MemberName(kind, name, container, $"{container}.{name}{match.Groups["generic"].Value}{WhiteSpace.Collapse(list.Value)}");
    }

    [GeneratedRegex(@"^namespace\s+([\w.]+)")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record(?:\s+(?:class|struct))?)\s+(\w+)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"(?<name>\w+)(?<generic><[\w,\s]+>)?\s*(?:(?<list>\([^{;]*?\))\s*(?:where\b|:|=>|\{|;|$)|=>|\{|;|=|,|$)")]
    private static partial Regex MemberDeclaration();
}
