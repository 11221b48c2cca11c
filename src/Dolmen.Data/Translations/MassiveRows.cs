using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization.LanguageCosts;

namespace Dolmen.Data.Translations;

/// <summary>MASSIVE: en-US.jsonl with rows of <c>id</c> and <c>utt</c>, the same ids in every locale. Any other JSON lines with <c>id</c>
/// and
/// <c>text</c> are read alike.</summary>
internal static class MassiveRows
{
    private static readonly string[] Places = ["", "data", "1.0/data", "1.1/data"];

    public static FoundTexts? Find(string folder)
    {
        foreach (var place in Places)
        {
            var rows = Path.Combine(folder, place);
            if (!Directory.Exists(rows)) continue;
            var files = Directory.GetFiles(rows, "*.jsonl").Order(StringComparer.Ordinal).ToList();
            if (files.Count > 0)
                return new FoundTexts(
                    "massive",
                    [.. files.Select(file => new LanguageFiles(Path.GetFileNameWithoutExtension(file), [file]))],
                    Read
                );
        }
        return null;
    }

    private static IEnumerable<LanguageText> Read(IReadOnlyList<LanguageFiles> languages)
    {
        long chars = 0;
        List<string>? ids = null;
        foreach (var language in languages)
        {
            var rows = Rows(language.Paths[0]);
            if ((chars += rows.Values.Sum(text => (long)text.Length)) > LineFiles.MostBytesOfAll)
                throw new UserErrorException(
                    $"{language.Paths[0]} makes the texts longer than {LineFiles.MostBytesOfAll >> 20} MB, the most that is compared at "
                        + $"once: name the languages to compare with --languages."
                );
            ids ??= [.. rows.Keys];
            List<string> sentences = [.. ids.Select(id => rows.GetValueOrDefault(id, ""))];
            if (sentences.All(string.IsNullOrWhiteSpace))
                throw new UserErrorException(
                    $"{language.Paths[0]} shares no id with {languages[0].Paths[0]}: rows of the same id must be translations of each "
                        + $"other. Take both from the same release."
                );
            yield return new LanguageText(language.Code, "", sentences, [(sentences.Count, false)]);
        }
    }

    private static OrderedDictionary<string, string> Rows(string path)
    {
        LineFiles.Check(path);
        var rows = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in JsonLines.Rows(path))
        {
            if (Text(row, "id") is not { } id || Text(row, "utt", "text") is not { } text)
                throw row.Error("has no \"id\" or no \"utt\" (or \"text\"): each line is one object with both");
            if (!rows.TryAdd(id, text)) throw row.Error($"has the id {id} a second time: an id names one sentence");
        }
        return rows.Count > 0 ? rows : throw LineFiles.Empty(path);
    }

    /// <summary>The first of the members that is there, a number as it is written.</summary>
    private static string? Text(JsonRow row, params ReadOnlySpan<string> names) => row.FindAny(names) switch
    {
        { IsString: true } text => text.Text(),
        { Value.ValueKind: JsonValueKind.Number } number => number.Value.GetRawText(),
        _ => null,
    };
}
