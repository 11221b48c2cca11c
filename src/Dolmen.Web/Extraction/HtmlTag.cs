using System.Collections.Frozen;

namespace Dolmen.Web.Extraction;

/// <summary>The elements that matter to reading; every other one is <see cref="Unknown"/>, an inline element.</summary>
public enum HtmlTag : byte
{
    Unknown, Document, Html, Head, Body, Title, Meta, Link, Base, Script, Style, NoScript, Template,
    A, Span, B, Big, Code, Em, Font, I, NoBr, S, Small, Strike, Strong, Tt, U,
    Address, Article, Aside, Blockquote, Center, Details, Dialog, Dir, Div, Dl, Dt, Dd, FieldSet, FigCaption, Figure, Footer, Form,
    H1, H2, H3, H4, H5, H6, Header, HGroup, Hr, Li, Listing, Main, Menu, Nav, Ol, P, Pre, Search, Section, Summary, Ul,
    Table, Caption, ColGroup, Col, TBody, THead, TFoot, Tr, Td, Th,
    Br, Wbr, Img, Input, Embed, Area, Param, Source, Track, Frame, Time,
    Button, Select, Option, OptGroup, TextArea, Label, Object, Applet, Marquee, IFrame, NoEmbed, NoFrames, Xmp, PlainText,
    Audio, Video, Canvas, Picture, Map, Svg, Math, Rb, Rp, Rt, Q, Sub, Sup,
}

[Flags]
public enum TagTraits
{
    None = 0,
    /// <summary>Stands on lines of its own.</summary>
    Block = 1,
    Void = 2,
    /// <summary>Its content is read as text, not as markup, up to its own end tag.</summary>
    Raw = 4,
    /// <summary>Its start ends an open paragraph.</summary>
    EndsParagraph = 8,
    Formatting = 16,
    /// <summary>Stops the search for an element that an implied or a stray end tag might close.</summary>
    Special = 32,
    /// <summary>End tags inside it close nothing outside.</summary>
    Scope = 64,
    /// <summary>Nothing in it is text of the page.</summary>
    Unread = 128,
    Head = 256,
}

public static class HtmlTags
{
    private const TagTraits Para = TagTraits.Block | TagTraits.EndsParagraph | TagTraits.Special;
    private const TagTraits Cell = TagTraits.Block | TagTraits.Special;

    private static readonly TagTraits[] Traits = MakeTraits();
    private static readonly FrozenDictionary<ulong, HtmlTag> ByName =
        Enum.GetValues<HtmlTag>().Where(t => t > HtmlTag.Document).ToFrozenDictionary(t => Name(t.ToString()));

    public static TagTraits Of(HtmlTag tag) => Traits[(int)tag];

    public static bool Is(HtmlTag tag, TagTraits traits) => (Traits[(int)tag] & traits) != TagTraits.None;

    public static HtmlTag Find(ulong name) => ByName.GetValueOrDefault(name);

    /// <summary>A name without case as a number: unique up to ten letters, digits and dashes, mixed beyond.</summary>
    public static ulong Name(ReadOnlySpan<char> name)
    {
        ulong packed = 0;
        foreach (var c in name)
        {
            if (packed >> 58 != 0) packed = (packed ^ (packed >> 31)) * 0x9E3779B97F4A7C15;
            packed = (packed << 6) ^ Code(c);
        }
        return packed;
    }

    private static ulong Code(char c) => c switch
    {
        >= 'a' and <= 'z' => (ulong)(c - 'a' + 1),
        >= 'A' and <= 'Z' => (ulong)(c - 'A' + 1),
        >= '0' and <= '9' => (ulong)(c - '0' + 27),
        '-' => 37,
        ':' => 38,
        _ => 39 + (c % 24UL),
    };

    private static TagTraits[] MakeTraits()
    {
        var traits = new TagTraits[Enum.GetValues<HtmlTag>().Length];
        Set(TagTraits.Special | TagTraits.Scope, HtmlTag.Document, HtmlTag.Html);
        Set(TagTraits.Special | TagTraits.Block, HtmlTag.Body);
        Set(TagTraits.Special | TagTraits.Unread, HtmlTag.Head);
        Set(TagTraits.Raw | TagTraits.Special | TagTraits.Unread | TagTraits.Head, HtmlTag.Title, HtmlTag.Script, HtmlTag.Style);
        Set(TagTraits.Void | TagTraits.Special | TagTraits.Head, HtmlTag.Meta, HtmlTag.Link, HtmlTag.Base);
        Set(TagTraits.Special | TagTraits.Unread | TagTraits.Head, HtmlTag.NoScript);
        Set(TagTraits.Special | TagTraits.Unread | TagTraits.Head | TagTraits.Scope, HtmlTag.Template);
        for (var tag = HtmlTag.A; tag <= HtmlTag.U; tag++) if (tag != HtmlTag.Span) Set(TagTraits.Formatting, tag);
        for (var tag = HtmlTag.Address; tag <= HtmlTag.Ul; tag++) Set(Para, tag);
        traits[(int)HtmlTag.Hr] |= TagTraits.Void;
        foreach (var tag in (HtmlTag[])[HtmlTag.Li, HtmlTag.Dt, HtmlTag.Dd]) Set(Para, tag);
        Set(Para | TagTraits.Unread, HtmlTag.Dialog, HtmlTag.Nav, HtmlTag.Menu);
        Set(Para, HtmlTag.Table);
        traits[(int)HtmlTag.Table] |= TagTraits.Scope;
        Set(Cell, HtmlTag.ColGroup, HtmlTag.TBody, HtmlTag.THead, HtmlTag.TFoot, HtmlTag.Tr);
        Set(Cell | TagTraits.Scope, HtmlTag.Caption, HtmlTag.Td, HtmlTag.Th);
        Set(
            TagTraits.Void | TagTraits.Special,
            HtmlTag.Col,
            HtmlTag.Br,
            HtmlTag.Wbr,
            HtmlTag.Img,
            HtmlTag.Input,
            HtmlTag.Embed,
            HtmlTag.Area,
            HtmlTag.Param,
            HtmlTag.Source,
            HtmlTag.Track,
            HtmlTag.Frame
        );
        Set(TagTraits.Special | TagTraits.Unread, HtmlTag.Button, HtmlTag.Select, HtmlTag.Option, HtmlTag.OptGroup);
        Set(TagTraits.Raw | TagTraits.Special | TagTraits.Unread, HtmlTag.TextArea, HtmlTag.IFrame, HtmlTag.NoEmbed, HtmlTag.NoFrames);
        Set(TagTraits.Special | TagTraits.Scope, HtmlTag.Applet, HtmlTag.Marquee, HtmlTag.Object);
        Set(TagTraits.Raw | Para, HtmlTag.Xmp, HtmlTag.PlainText);
        Set(TagTraits.Unread, HtmlTag.Audio, HtmlTag.Video, HtmlTag.Canvas, HtmlTag.Rp, HtmlTag.Rt);
        Set(TagTraits.Unread | TagTraits.Special, HtmlTag.Svg);
        return traits;

        void Set(TagTraits which, params ReadOnlySpan<HtmlTag> tags)
        {
            foreach (var tag in tags) traits[(int)tag] |= which;
        }
    }
}
