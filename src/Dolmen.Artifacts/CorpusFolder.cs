namespace Dolmen.Artifacts;

/// <summary>The names of what a corpus directory holds. Who writes a corpus and who reads one both take them from here, and the rows of
/// the files from <see cref="HeldOutText"/> and its neighbours.</summary>
public static class CorpusFolder
{
    /// <summary>Parquet files with the documents to train on.</summary>
    public const string Documents = "documents";

    /// <summary>Parquet files with the documents that a filter or a duplicate kept out, and why.</summary>
    public const string Exclusions = "exclusions";

    /// <summary>Parquet files with what was measured of every document.</summary>
    public const string Measurements = "measurements";

    /// <summary>What was kept out of training: <see cref="HeldOutText"/> a line.</summary>
    public const string HeldOut = "heldout.jsonl";

    /// <summary>What an index of the corpus holds, held-out text included: one passage a line.</summary>
    public const string Passages = "passages.jsonl";

    public const string Conversations = "conversations.jsonl";

    public const string Preferences = "preferences.jsonl";

    /// <summary><see cref="MultipleChoiceItem"/> a line.</summary>
    public const string MultipleChoice = "multiple-choice.jsonl";

    /// <summary><see cref="FewShotExample"/> a line.</summary>
    public const string FewShot = "few-shot.jsonl";

    /// <summary><see cref="InventedQuestion"/> a line.</summary>
    public const string Invented = "invented.jsonl";

    /// <summary><see cref="KnownQuestion"/> a line.</summary>
    public const string Known = "known.jsonl";

    /// <summary>Questions about held-out entries with the passages that answer them, one a line.</summary>
    public const string OpenBook = "open-book.jsonl";

    /// <summary>Written last: a folder that has it is a finished corpus.</summary>
    public const string Report = "report.json";

    public const string ReadableReport = "report.md";
}
