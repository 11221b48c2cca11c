using System.Xml;
using System.Xml.Linq;
using Dolmen.Artifacts;

namespace Dolmen.Data.Readers;

/// <summary>XML that others wrote as a tree of bounded depth: elements below it leave their text to the deepest that is kept, which is
/// noted.
/// Document types are refused, so entities cannot grow.</summary>
internal static class XmlTree
{
    /// <summary>Documentation nests a dozen deep; a walk over the tree may recurse this far.</summary>
    public const int MaxDepth = 64;

    private const int MaxAttributes = 64;
    private const int NodesBetweenLooks = 4096;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = BoundedText.MaxFileBytes,
        MaxCharactersFromEntities = 1,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    /// <returns>Null, and counted as dropped, when the text is not well-formed XML.</returns>
    public static XElement? Read(string xml, Funnel funnel, CancellationToken stop = default)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(xml), Settings);
            return Read(reader, funnel, stop);
        }
        catch (XmlException)
        {
            funnel.Drop("unparsable-xml");
            return null;
        }
    }

    private static XElement? Read(XmlReader reader, Funnel funnel, CancellationToken stop)
    {
        XElement? root = null, at = null;
        var tooDeep = false;
        for (var nodes = 1; reader.Read(); nodes++)
        {
            if (nodes % NodesBetweenLooks == 0) stop.ThrowIfCancellationRequested();
            switch (reader.NodeType)
            {
                case XmlNodeType.Element when reader.Depth >= MaxDepth:
                    tooDeep = true;
                    break;
                case XmlNodeType.Element:
                    var element = Element(reader);
                    if (at is null) root = element;
                    else at.Add(element);
                    if (!reader.IsEmptyElement) at = element;
                    break;
                case XmlNodeType.EndElement when reader.Depth < MaxDepth:
                    at = at?.Parent;
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace:
                    at?.Add(new XText(reader.Value));
                    break;
            }
        }
        if (tooDeep) funnel.Note("xml-too-deep");
        return root;
    }

    private static XElement Element(XmlReader reader)
    {
        var element = new XElement(XName.Get(reader.LocalName, reader.NamespaceURI));
        for (var i = 0; i < Math.Min(reader.AttributeCount, MaxAttributes); i++)
        {
            reader.MoveToAttribute(i);
            if (reader.Prefix != "xmlns" && reader.LocalName != "xmlns")
                element.Add(new XAttribute(XName.Get(reader.LocalName, reader.NamespaceURI), reader.Value));
        }
        reader.MoveToElement();
        // Told apart from <a></a>, as the text says it.
        if (!reader.IsEmptyElement) element.Add("");
        return element;
    }
}
