using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Deduplication;
using Dolmen.Data.Filters;
using Dolmen.Data.Reports;

namespace Dolmen.Tests.Data.Reports;

public sealed class WhatIfQuestions(BuiltFixture corpora) : IClassFixture<BuiltFixture>
{
    private static WhatIfReport Ask(string directory, params string[] set) => WhatIf.Ask(directory, set, 5, 2, CancellationToken.None);

    private static CleaningReport Report(string directory) => BuiltCorpus.Open(directory).Report;

    [Fact]
    public void Without_a_setting_it_is_what_was_built()
    {
        var directory = corpora.Build("tenth", heldOut: 0.1);
        var (asked, built) = (Ask(directory), Report(directory));
        Assert.Equal(built.Read, asked.Documents);
        Assert.Equal((built.Kept, built.KeptBytes), (asked.Kept.After.Documents, asked.Kept.After.Bytes));
        Assert.Equal(asked.Kept.Before, asked.Kept.After);
        Assert.Equal((0, 0, 0L), (asked.GainedExamples.Count, asked.LostExamples.Count, asked.Moved));
        Assert.Equal(built.Dropped, asked.Reasons.ToDictionary(r => r.Key, r => r.Value.After.Documents));
        Assert.All(asked.Reasons.Values, reason => Assert.Equal(reason.Before, reason.After));
        Assert.Equal(built.Languages, asked.Languages.Where(l => l.Value.After.Documents > 0).ToDictionary(l => l.Key, l => l.Value.After));
        Assert.True(built.Dropped.Count >= 4, string.Join(", ", built.Dropped.Keys));
        Assert.Contains("dedup.exact", built.Dropped.Keys);
        Assert.Contains("dedup.minHash", built.Dropped.Keys);
    }

    [Theory]
    [InlineData("filters.gopherQuality.minWords=30")]
    [InlineData("filters.gopherQuality.minWords=85")]
    [InlineData(
        "filters.gopherRepetition.maxTop2GramFraction=1",
        "filters.gopherRepetition.maxDuplicateLineFraction=1",
        "filters.c4.minSentences=0"
    )]
    [InlineData("dedup.minHash.minJaccard=0.99")]
    [InlineData("dedup.minHash=null")]
    [InlineData("dedup=null")]
    [InlineData("filters.fineWebQuality=null")]
    [InlineData("language.minScore=0.999999", "filters.gopherQuality.maxWords=100")]
    [InlineData("language.keep=[\"ko\"]")]
    public void With_settings_it_is_what_a_build_with_them_makes(params string[] set)
    {
        var directory = corpora.Build("corpus");
        var rebuilt = Report(corpora.Build($"rebuilt {StableHash.Of(string.Join(' ', set)):x16}", BuiltCorpus.Open(directory).Recipe(set)));
        var asked = Ask(directory, set);
        Assert.Equal((rebuilt.Kept, rebuilt.KeptBytes), (asked.Kept.After.Documents, asked.Kept.After.Bytes));
        Assert.Equal(
            rebuilt.Dropped,
            asked.Reasons.Where(r => r.Value.After.Documents > 0).ToDictionary(r => r.Key, r => r.Value.After.Documents)
        );
        Assert.Equal(asked.Kept.After.Documents, asked.Kept.Before.Documents + asked.Kept.Gained.Documents - asked.Kept.Lost.Documents);
        Assert.Equal(asked.Kept.Gained.Bytes, asked.Reasons.Values.Sum(r => r.Gained.Bytes));
        Assert.Equal(asked.Kept.Lost.Bytes, asked.Reasons.Values.Sum(r => r.Lost.Bytes));
        Assert.Equal(Math.Min(5, asked.Kept.Lost.Documents), asked.LostExamples.Count);
        Assert.Equal(Math.Min(5, asked.Kept.Gained.Documents), asked.GainedExamples.Count);
    }

    [Theory]
    [InlineData("decontaminate.maxShare=1")]
    [InlineData("decontaminate=null")]
    public void Evaluation_items_may_be_let_in_again(string set)
    {
        var items = Path.Combine(corpora.Root, "items.jsonl");
        File.WriteAllText(items, $"{{\"question\": {System.Text.Json.JsonSerializer.Serialize(BuiltFixture.Text(105, 65))}}}");
        var directory = corpora.Build("decontaminated", BuiltFixture.Recipe with { Decontaminate = new([items]) });
        Assert.Equal(0, Ask(directory).Kept.Gained.Documents);
        var asked = Ask(directory, set);
        Assert.Equal(1, asked.Reasons["decontaminate.maxShare"].Gained.Documents);
        Assert.Equal("doc-1-5", Assert.Single(asked.GainedExamples).Id);
        Assert.Contains(
            "were not looked for",
            Assert.Throws<UserErrorException>(() => Ask(corpora.Build("corpus"), $"decontaminate.items=[\"{items}\"]")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_lower_threshold_says_what_it_gains_and_by_which_value()
    {
        var asked = Ask(corpora.Build("corpus"), "filters.gopherQuality.minWords=30");
        Assert.True(asked.Reasons["gopherQuality.minWords"].Gained.Documents > 0);
        var gained = asked.GainedExamples.Where(example => example.Reason == "gopherQuality.minWords").ToList();
        Assert.NotEmpty(gained);
        Assert.All(gained, example =>
        {
            Assert.StartsWith("doc-", example.Id, StringComparison.Ordinal);
            Assert.InRange(example.Value!.Value, 30, 49);
            Assert.Equal(50, example.Threshold);
        });
        Assert.Equal(asked.Kept.After.Bytes / 4, asked.TokensAfter);
    }

    [Theory]
    [InlineData("filters.c4.minWordsPerLine=2", "not a threshold")]
    [InlineData("filters.c4.dropPolicyLines=false", "not a threshold")]
    [InlineData("filters.c4=null", "takes lines out")]
    [InlineData("filters.fineWebQuality.shortLineLength=20", "not a threshold")]
    [InlineData("filters.badWords.maxWords=3", "was off")]
    [InlineData("dedup.minHash.buckets=20", "searched for")]
    [InlineData("dedup.minHash.minJaccard=0.5", "can only be raised")]
    [InlineData("keepBefore=false", "which texts there are")]
    [InlineData("read.maxRatio=10", "which texts there are")]
    public void A_setting_that_changes_texts_or_measures_needs_a_rebuild(string set, string because)
    {
        var directory = corpora.Build("corpus");
        // A family of bad words needs a list before anything else.
        string[] all = set.Contains("badWords", StringComparison.Ordinal) ? [$"filters.badWords.lists={corpora.Root}", set] : [set];
        var error = Assert.Throws<UserErrorException>(() => Ask(directory, all));
        Assert.Contains(because, error.Message, StringComparison.Ordinal);
        Assert.Contains("corpus build", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mistyped_setting_names_the_nearest() =>
        Assert.Contains(
            "did you mean 'minWords'",
            Assert.Throws<UserErrorException>(() => Ask(corpora.Build("corpus"), "filters.gopherQuality.minWord=3")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_folder_that_is_no_corpus_is_refused() =>
        Assert.Contains(
            "not a finished corpus",
            Assert.Throws<UserErrorException>(() => Ask(corpora.Root)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Files_that_are_missing_or_of_another_corpus_are_named()
    {
        using var own = new BuiltFixture();
        var directory = own.Build("corpus");
        var measurements = Directory.GetFiles(Path.Combine(directory, "measurements"))[0];
        var documents = Directory.GetFiles(Path.Combine(directory, "documents"))[0];
        File.AppendAllText(Path.Combine(directory, "duplicates", "ranks"), "more");
        Assert.Contains("ranks", Assert.Throws<UserErrorException>(() => Ask(directory)).Message, StringComparison.Ordinal);
        File.Copy(documents, measurements, overwrite: true);
        Assert.Contains("no column reason", Assert.Throws<UserErrorException>(() => Ask(directory)).Message, StringComparison.Ordinal);
        File.WriteAllText(measurements, "PAR1 and nothing else");
        Assert.Contains("not a Parquet file", Assert.Throws<UserErrorException>(() => Ask(directory)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(directory, "cleaning.json"), "{");
        Assert.Contains(
            "cleaning.json cannot be read",
            Assert.Throws<UserErrorException>(() => Ask(directory)).Message,
            StringComparison.Ordinal
        );
    }
}
