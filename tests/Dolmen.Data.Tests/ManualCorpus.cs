using Dolmen.Data;

namespace Dolmen.Tests.Data;

/// <summary>A folder of manuals, and a tale without headings: what is asked of them, and that nothing held out is.</summary>
public class ManualCorpus
{
    private static readonly string[] Things = ["kiln", "wheel", "glaze", "chimney", "damper", "burner", "shelf", "bucket", "clay", "mould"];
    private static readonly string[] Parts = ["lid", "handle", "floor", "door", "lamp", "rope", "gauge", "spring"];

    private static CorpusFixture Manuals()
    {
        var fixture = new CorpusFixture();
        foreach (var thing in Things)
        {
            var sections = Parts.Select(
                (part, i) =>
                    $"## {i + 1}.{part.Length}. {part} Inspection\n\nThe {part} of every {thing} is looked at in month {i + 1}. "
                    + $"That takes {i + 2} minutes.\n\n- `{thing}_{part}_limit`: sets how much the {part} of a {thing} carries\n"
            );
            fixture.File($"{thing}.md", $"# Chapter 4. Care of a {thing}\n\nA {thing} wants care.\n\n{string.Join('\n', sections)}");
        }
        return fixture;
    }

    private static CorpusRecipe Recipe(int entries) => new(HeldOutFraction: 0.1, MinAlignmentEntries: entries);

    [Fact]
    public void Questions_have_no_numbers_or_paths_and_nothing_held_out_is_asked()
    {
        using var fixture = Manuals();
        var report = fixture.Build(Recipe(50));
        Assert.InRange(report.HeldOut, 5, 40);
        CorpusChecks.HeldOutIsUnseen(fixture.Output);
        var unseen = fixture
            .Rows("heldout.jsonl")
            .Select(row => ((string?)row["text"] ?? "").Split('\n')[0].Split(": ")[^1])
            .Where(name => name.EndsWith("_limit", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(unseen);
        var training = File.ReadAllText(Path.Combine(fixture.Output, "conversations.jsonl"))
            + File.ReadAllText(Path.Combine(fixture.Output, "preferences.jsonl")) + fixture.Documents();
        Assert.DoesNotContain(unseen, name => training.Contains(name, StringComparison.Ordinal));
        var asked = fixture
            .Rows("conversations.jsonl")
            .SelectMany(row => row["messages"]?.AsArray() ?? [])
            .Where(message => (string?)message?["role"] == "user")
            .Select(message => ((string?)message?["content"] ?? "").Split('\n')[^1])
            .ToList();
        Assert.Contains(asked, prompt => prompt.Contains("_limit`", StringComparison.Ordinal));
        Assert.Contains(asked, prompt => prompt.Contains("inspection", StringComparison.Ordinal));
        Assert.All(asked, prompt => Assert.DoesNotMatch(@" > |\d\.\d|Chapter", prompt));
        Assert.NotEmpty(fixture.Rows("multiple-choice.jsonl"));
    }

    [Fact]
    public void A_tale_without_headings_is_asked_by_cloze()
    {
        using var fixture = new CorpusFixture();
        var tale = string.Join(
            "\n\n",
            Things.SelectMany((thing, i) => Parts.Select((part, j) =>
                $"On day {i * 10 + j} the old potter carried the {part} of her {thing} across the wide yard. Nobody but the "
                + $"{Things[(i + j + 1) % 10]} in corner {i + j * 10} heard how the {part} fell upon the stones near the {thing}."))
        );
        fixture.File("tale.txt", tale);
        fixture.Build(Recipe(5) with { OpenBookFraction = 0.5 });
        var rows = fixture.Rows("conversations.jsonl").ToList();
        Assert.NotEmpty(rows);
        var asked = rows.Select(row => ((string?)row["messages"]?[0]?["content"] ?? "").Split('\n')[^1]);
        Assert.All(asked, prompt => Assert.Matches("^(Complete|How does|Finish|Which word|Fill in)", prompt));
        Assert.Empty(fixture.Rows("invented.jsonl"));
        var pairs = fixture.Rows("preferences.jsonl").ToList();
        Assert.NotEmpty(pairs);
        // A passage has no summary that an answer could ramble on with.
        Assert.All(pairs, pair => Assert.NotEqual(((string?)pair["chosen"])?.Trim(), ((string?)pair["rejected"])?.Trim()));
    }
}
