using System.Text;
using Dolmen.Data.Cleaning;

namespace Dolmen.Data.Building;

/// <summary>Documents of at most <paramref name="UpToCharacters"/> characters, and more than the row before allows.</summary>
public sealed record LengthBucket(long UpToCharacters, int Documents);

public sealed record DocumentSample(string Id, string Text);

/// <summary>What a corpus holds, what was dropped on the way and why, and by which rules the rest was made.</summary>
/// <param name="Parts">Members, sections and passages of training; <paramref name="HeldOut"/> are those kept out of it.</param>
/// <param name="Kinds">What was done with what: a row for each kind of input.</param>
/// <param name="Tokenizer">What <see cref="CleaningReport.Tokens"/> are counted with.</param>
/// <param name="OpenBook">Questions about held-out entries that are answered from passages.</param>
/// <param name="Noted">Flaws that were counted and borne, such as bytes that were not UTF-8.</param>
public sealed record CorpusReport(
    int Files,
    int Documents,
    long Characters,
    int Heads,
    int Parts,
    int HeldOut,
    long HeldOutCharacters,
    IReadOnlyDictionary<string, long> Dropped,
    IReadOnlyDictionary<string, long> Noted,
    int Conversations,
    int Preferences,
    int MultipleChoice,
    int MultipleChoiceSeen,
    int FewShot,
    int Invented,
    int Known,
    IReadOnlyList<LengthBucket> Lengths,
    IReadOnlyList<DocumentSample> Samples,
    IReadOnlyList<string> Rules,
    IReadOnlyList<string> Notices,
    CleaningReport? Cleaning = null,
    IReadOnlyList<KindCount>? Kinds = null,
    string? Tokenizer = null,
    int OpenBook = 0
)
{
    public string ToMarkdown()
    {
        var text = new StringBuilder("# Corpus\n\n");
        Table(
            "what",
            [
                ("files read", Files),
                ("documents", Documents),
                ("characters", Characters),
                .. Cleaning?.Tokens is { } tokens ? ((string, long)[])[($"tokens ({Tokenizer})", tokens)] : [],
                ("types and titles", Heads),
                ("members, sections, passages", Parts),
                ("held out of training", HeldOut),
                ("characters held out", HeldOutCharacters),
                ("conversations", Conversations),
                ("preferences", Preferences),
                ("multiple-choice items", MultipleChoice),
                ("… whose answer also occurs in training text", MultipleChoiceSeen),
                ("few-shot examples", FewShot),
                ("questions about invented names", Invented),
                ("questions about known names", Known),
                ("questions with passages, about what is held out", OpenBook),
            ]
        );
        text.Append("## What was done with what\n\n| kind | files | documents read | to train on | held out | how |\n");
        text.Append("|---|---:|---:|---:|---:|---|\n");
        foreach (var kind in Kinds ?? [])
            text.Append($"| {kind.Kind} | {kind.Files:N0} | {kind.Read:N0} | {kind.Kept:N0} | {kind.HeldOut:N0} | {kind.How} |\n");
        text.Append('\n');
        foreach (var notice in Notices)
            text.Append("> ").Append(notice).Append("\n\n");
        if (Cleaning is { Dropped.Count: > 0 } cleaning)
        {
            text.Append("## Documents dropped, by the setting they broke\n\n");
            Table("reason", cleaning.Dropped.OrderByDescending(d => d.Value).Select(d => (d.Key, d.Value)));
            text.Append("## Documents kept, by language\n\n");
            Table("language", cleaning.Languages.OrderByDescending(l => l.Value.Documents).Select(l => (l.Key, l.Value.Documents)));
        }
        text.Append("## Dropped\n\n");
        Table("reason", Dropped.Select(d => (d.Key, d.Value)));
        text.Append("## Noted and kept\n\n");
        Table("what", Noted.Select(d => (d.Key, d.Value)));
        text.Append("## Length of documents\n\n");
        Table("characters, at most", Lengths.Select(l => ($"{l.UpToCharacters:N0}", (long)l.Documents)));
        text.Append("## Rules\n\n");
        foreach (var rule in Rules) text.Append("- ").Append(rule).Append('\n');
        text.Append("\n## Samples\n\n");
        foreach (var sample in Samples) text.Append("````text\n").Append(sample.Text).Append("\n````\n\n");
        return text.ToString();

        void Table(string head, IEnumerable<(string Name, long Count)> rows)
        {
            text.Append("| ").Append(head).Append(" | count |\n|---|---:|\n");
            foreach (var (name, count) in rows) text.Append($"| {name} | {count:N0} |\n");
            text.Append('\n');
        }
    }
}

/// <summary>A built corpus.</summary>
public sealed record CorpusResult(string Directory, CorpusReport Report);
