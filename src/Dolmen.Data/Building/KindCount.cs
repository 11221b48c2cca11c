using Dolmen.Data.Cleaning;
using Dolmen.Data.Documentation;

namespace Dolmen.Data.Building;

/// <summary>What became of the inputs of one kind.</summary>
/// <param name="Read">Documents made of them before anything was dropped.</param>
/// <param name="Kept">Documents to train on.</param>
/// <param name="HeldOut">Entries of documentation, documents of crawls.</param>
/// <param name="How">What was done with them, in words.</param>
public sealed record KindCount(string Kind, int Files, long Read, long Kept, long HeldOut, string How)
{
    internal static KindCount Of(DocumentationPart part, long kept) =>
        new(
            "documentation",
            part.Files.Count,
            part.Documents.Count,
            kept,
            part.HeldOut.Count,
            "read as entries, some of which are held out; copies dropped"
        );

    /// <param name="files">All inputs.</param>
    /// <param name="explained">Documents to train on that are documentation.</param>
    /// <param name="heldOut">Lines of what is held out, entries of documentation included.</param>
    internal static KindCount OfCrawls(CleaningReport cleaned, int files, DocumentationPart? documentation, long explained, long heldOut)
    {
        heldOut -= documentation?.HeldOut.Count ?? 0;
        return new(
            "crawls and tables",
            files - (documentation?.Files.Count ?? 0),
            cleaned.Read - (documentation?.Documents.Count ?? 0),
            cleaned.Kept - explained - heldOut,
            heldOut,
            "main text of pages, then the recipe's filters and duplicates; whole documents held out"
        );
    }
}
