using System.Collections.Frozen;

namespace Dolmen.Web.Extraction;

/// <summary>The attributes that tell something about text; others are not kept.</summary>
public enum AttributeName : byte
{
    None, Class, Id, Role, Hidden, AriaHidden, Style, ItemProp, Href, DateTime, Lang, Content, Name, Property, Type, Rel, Start, HttpEquiv,
}

/// <summary>A value's place in the page, entities not yet decoded.</summary>
public readonly record struct HtmlAttribute(AttributeName Name, int Start, int Length)
{
    private static readonly FrozenDictionary<ulong, AttributeName> ByName = Enum.GetValues<AttributeName>()
        .Skip(1)
        .ToFrozenDictionary(n =>
            HtmlTags.Name(
                n switch
                {
                    AttributeName.AriaHidden => "aria-hidden",
                    AttributeName.HttpEquiv => "http-equiv",
                    _ => n.ToString(),
                }
            )
        );

    public static AttributeName Find(ulong name) => ByName.GetValueOrDefault(name);
}
