using Dolmen.Artifacts;

namespace Dolmen.Data.Cleaning;

/// <summary>Where and how one corpus is built.</summary>
/// <param name="Counter">Counts the tokens of what is kept; null leaves them uncounted.</param>
internal sealed record CorpusWork(
    string Directory,
    ulong Seed,
    CleaningRun Run,
    TokenCounter? Counter,
    IProgress<StageProgress> Progress,
    CancellationToken Stop
);
