using System.Xml.Linq;
using Dolmen.Artifacts;
using Dolmen.Web.Encodings;
using Dolmen.Web.Extraction;

namespace Dolmen.Data.Readers;

/// <summary>XML documentation files to entries, one a member; the words of any other XML to passages.</summary>
internal static class XmlDocReader
{
    public static IEnumerable<Entry> Read(InputFile file, Funnel funnel, CancellationToken stop)
    {
        if (XmlTree.Read(PageText.DecodeCounted(BoundedText.ReadBytes(file), charset: null, funnel), funnel, stop) is not { } root)
            return [];
        if (root.Name.LocalName == "doc" && root.Element("members") is { } members)
            return Members(members.Elements("member"), file.Name, funnel);
        var paragraphs = root.DescendantNodes().OfType<XText>().Select(t => WhiteSpace.Collapse(t.Value)).Where(t => t.Length > 0);
        return Passages.Cut(string.Join("\n\n", paragraphs), Path.GetFileName(file.Name), file.Name, funnel);
    }

    public static IEnumerable<Entry> Members(IEnumerable<XElement> elements, string source, Funnel funnel)
    {
        var members = elements.ToList();
        var typeParameters = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var member in members)
            if (member.Attribute("name")?.Value is { } id && id.StartsWith("T:", StringComparison.Ordinal))
                typeParameters.TryAdd(id[2..], NamesOf(member, "typeparam"));

        foreach (var member in members)
        {
            var id = member.Attribute("name")?.Value ?? "";
            var name = MemberName.Parse(
                id,
                t => typeParameters.GetValueOrDefault(t, []),
                NamesOf(member, "typeparam"),
                NamesOf(member, "param")
            );
            if (name is null)
            {
                funnel.Drop("not-a-member");
                continue;
            }
            yield return FromTags(member, id, name, source);
        }
    }

    public static Entry FromTags(XElement member, string id, MemberName name, string source) => new(
        id, name.Kind, name.Name, name.Container, name.Signature,
        XmlText.Line(member.Element("summary")),
        XmlText.Line(member.Element("returns") ?? member.Element("value")),
        Texts(member, "param", "name"),
        Texts(member, "exception", "cref"),
        XmlText.Block(member.Element("remarks")),
        XmlText.Block(member.Element("example")),
        source, Order: 0);

    private static List<NamedText> Texts(XElement member, string tag, string attribute) =>
        [
            .. member
                .Elements(tag)
                .Select(e => new NamedText(
                    attribute == "cref" ? MemberName.Short(e.Attribute(attribute)?.Value ?? "") : e.Attribute(attribute)?.Value ?? "",
                    XmlText.Line(e)
                ))
                .Where(t => t.Name.Length > 0 && t.Text.Length > 0),
        ];

    private static List<string> NamesOf(XElement member, string tag) =>
        [.. member.Elements(tag).Select(e => e.Attribute("name")?.Value ?? "").Where(n => n.Length > 0)];
}
