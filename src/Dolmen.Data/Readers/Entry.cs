namespace Dolmen.Data.Readers;

/// <summary><see cref="Type"/> and <see cref="Document"/> head a document and are always training text; the others are its parts, split
/// into training and held-out. A <see cref="Term"/> is a setting, option or word that a manual defines. A <see cref="Passage"/> is a piece
/// of prose without a heading: nobody can be asked about it by name.</summary>
public enum EntryKind { Type, Method, Constructor, Operator, Property, Field, Event, Document, Section, Passage, Term }

/// <summary>A parameter or exception and what is said about it, on one line.</summary>
public sealed record NamedText(string Name, string Text);

/// <summary>One thing a corpus explains: a type, a member, a section of prose.</summary>
/// <param name="Id">Unique in a corpus, for example <c>M:System.String.Trim(System.Char)</c>.</param>
/// <param name="Container">The document it is a part of: a type's signature, or a file.</param>
/// <param name="Signature">How it is called in text: <c>System.String.Trim(Char trimChar)</c>.</param>
/// <param name="Summary">One line. Of prose it is the sentence the text opens with, and empty where that cannot stand alone.</param>
/// <param name="Remarks">May hold several lines; the whole text of a passage.</param>
/// <param name="Source">The file it was read from, relative to what the user named.</param>
/// <param name="Order">Its place in the source; parts of prose keep it, members are sorted.</param>
/// <param name="Subject">Of a section or term: what it is a section of, as a person would say it. Empty for all else.</param>
public sealed record Entry(
    string Id,
    EntryKind Kind,
    string Name,
    string Container,
    string Signature,
    string Summary,
    string Returns,
    IReadOnlyList<NamedText> Params,
    IReadOnlyList<NamedText> Exceptions,
    string Remarks,
    string Example,
    string Source,
    int Order,
    string Subject = ""
)
{
    public bool IsHead => Kind is EntryKind.Type or EntryKind.Document;

    public bool IsMember =>
        Kind is EntryKind.Method or EntryKind.Constructor or EntryKind.Operator or EntryKind.Property or EntryKind.Field or EntryKind.Event;

    public bool IsProse => Kind is EntryKind.Document or EntryKind.Section or EntryKind.Passage or EntryKind.Term;

    internal static Entry Prose(
        string id,
        EntryKind kind,
        string name,
        string container,
        string signature,
        string summary,
        string text,
        string source,
        int order,
        string subject = ""
    ) => new(id, kind, name, container, signature, summary, "", [], [], text, "", source, order, subject);
}
