namespace Dolmen.Data.Inputs;

/// <summary>What a file is. That decides, file by file, how it becomes documents when no recipe is named.</summary>
internal enum InputKind
{
    /// <summary>Explains something piece by piece, or is a user's own text: it is read as entries, and nothing but copies is
    /// dropped.</summary>
    Documentation,

    /// <summary>A crawl or a table of someone's texts: whole documents, which go through the filters.</summary>
    Crawl,
}
