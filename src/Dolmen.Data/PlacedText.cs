namespace Dolmen.Data;

/// <summary>A training document and where it is from; what is not known is empty.</summary>
/// <param name="Shard">The place of its file among those of the corpus.</param>
internal sealed record PlacedText(int Shard, string Text, string Id, string Url, string FilePath, string Title);
