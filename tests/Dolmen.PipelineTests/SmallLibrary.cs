namespace Dolmen.PipelineTests;

/// <summary>A made-up library's documentation and the settings that take it through every stage in seconds.</summary>
internal static class SmallLibrary
{
    public static string[] Quickstart(string output, string? documents = null) =>
        [
            "quickstart",
            "--out",
            output,
            "--json",
            "--threads",
            "1",
            .. documents is null ? Array.Empty<string>() : ["--input", documents],
            "--set",
            "minutes=0",
            "--set",
            "base.totalTokens=4096",
            "--set",
            "sft.totalTokens=2048",
            "--set",
            "dpo.totalPairs=8",
            "--set",
            "dpo.batchPairs=4",
            "--set",
            "base.batchTokens=1024",
            "--set",
            "sft.batchTokens=1024",
            "--set",
            "training.microBatchTokens=1024",
            "--set",
            "training.contextLength=128",
            "--set",
            "training.validations=2",
            "--set",
            "training.validationTokens=1024",
            "--set",
            "training.sampleTokens=8",
            "--set",
            "tokenizer.vocabSize=400",
            "--set",
            "model.depth=1",
            "--set",
            "corpus.minAlignmentEntries=20",
            "--set",
            "corpus.heldOutFraction=0.2",
            "--set",
            "evaluation.tasks.refusal.maxInvented=4",
            "--set",
            "evaluation.tasks.refusal.maxKnown=4",
        ];

    /// <summary>Members enough for questions with four answers of different wording.</summary>
    public static string Documentation()
    {
        string[] verbs = ["Open", "Close", "Read", "Write", "Count", "Sort", "Find", "Merge", "Split", "Copy", "Drop", "Check"];
        string[] nouns = ["Door", "Letter", "Garden", "Engine", "Recipe", "Ledger", "Bridge", "Window"];
        var members =
            from noun in nouns
            from verb in verbs
            select $"<member name=\"M:Village.{noun}.{verb}(System.Int32)\"><summary>{verb}s the {noun.ToLowerInvariant()} and tells the "
                + $"{verb.ToLowerInvariant()} keeper of every {noun.ToLowerInvariant()} nearby.</summary><param name=\"count\">How many to "
                + $"{verb.ToLowerInvariant()}.</param><returns>The number that the {verb.ToLowerInvariant()} reached.</returns></member>";
        var types = nouns.Select(noun =>
            $"<member name=\"T:Village.{noun}\"><summary>A {noun.ToLowerInvariant()} of the village.</summary></member>"
        );
        return $"<?xml version=\"1.0\"?><doc><assembly><name>Village</name></assembly><members>"
            + $"{string.Concat(types.Concat(members))}</members></doc>";
    }
}
