using Dolmen.Artifacts;

namespace Dolmen.Tokenization.Jinja;

/// <summary>What a misspelt name may have meant.</summary>
internal static class Known
{
    /// <summary>Ready to end a sentence with.</summary>
    public static string Nearest(string name, IEnumerable<string> known) =>
        name.Length < 64 && NearestName.Of(name, known) is { } near ? $": did you mean '{near}'?" : "";
}
