using Dolmen.Retrieval;

namespace Dolmen.Tests.Fakes;

/// <summary>An index of three passages, two of which hold the word "letters"; the answer of <see cref="FakeModel.OfAlphabet"/> stands in
/// the one that fits a question about letters worse.</summary>
internal static class SmallIndex
{
    public static readonly Passage[] Passages =
    [
        new("a", "Letters", "About letters and letters.", "letters.md"),
        new("b", "Alphabet", "The letters are ABCDEFGHIJKLMNOPQRSTUVWXYZ.", "alphabet.md"),
        new("c", "Numbers", "One and two.", "numbers.md"),
    ];

    public static DocumentIndex In(TemporaryFolder folder) => DocumentIndex.Open(Write(Path.Combine(folder.Path, DocumentIndex.FileName)));

    public static string Write(string file)
    {
        DocumentIndex.Build(file, Passages);
        return file;
    }
}
