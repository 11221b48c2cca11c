using System.Text.Json.Nodes;
using Dolmen.Data;
using Dolmen.Retrieval;

namespace Dolmen.Tests.Data;

/// <summary>Conversations, preferences and questions with passages, over a corpus of four hundred members.</summary>
public class OpenBookCorpus
{
    private const string First = "[1] Name: ";

    private static readonly CorpusRecipe Tenth = new(HeldOutFraction: 0.1);

    [Fact]
    public void The_answer_stands_in_the_passages_exactly_when_it_is_given()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        var (answered, refused) = (0, 0);
        foreach (var turns in OpenBook(fixture))
        {
            var prompt = Content(turns[0]);
            for (var i = 1; i < turns.Count; i += 2)
            {
                var question = i == 1 ? prompt[(prompt.LastIndexOf('\n') + 1)..] : Content(turns[i - 1]);
                var answer = Content(turns[i]);
                var named = Titles(prompt).Exists(title =>
                    question.Contains(Short(title) + "(", StringComparison.Ordinal)
                    || question.Contains($"`{title}`", StringComparison.Ordinal));
                if (answer == OpenBookPrompt.Refusal)
                {
                    refused++;
                    Assert.False(named, $"'{question}' is refused although its passage is there:\n{prompt}");
                }
                else
                {
                    answered++;
                    var cited = answer.StartsWith('[') ? Titles(prompt)[answer[1] - '1'] : "";
                    var isAsked = Describes(question) || question.Contains(Short(cited), StringComparison.Ordinal);
                    Assert.True(isAsked, $"{question}\n{answer}\n{prompt}");
                    Assert.Contains(prompt[..prompt.LastIndexOf('\n')].Split('\n'), line => answer == line);
                }
            }
        }
        Assert.InRange(refused / (double)(answered + refused), 0.12, 0.35);
        Assert.True(answered > 100);
    }

    [Fact]
    public void The_right_passage_stands_in_every_place()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        var places = new int[OpenBookPrompt.DefaultPassages];
        foreach (var turns in OpenBook(fixture).Where(turns => Content(turns[1]) != OpenBookPrompt.Refusal))
        {
            var titles = Titles(Content(turns[0]));
            if (titles.Count < places.Length) continue;
            var question = Content(turns[0])[(Content(turns[0]).LastIndexOf('\n') + 1)..];
            var place = titles.FindIndex(title => question.Contains($"`{title}`", StringComparison.Ordinal));
            if (place >= 0) places[place]++;
        }
        Assert.All(places, count => Assert.InRange(count / (double)places.Sum(), 0.25, 0.42));
    }

    [Fact]
    public void Held_out_members_are_in_no_passage_and_in_no_answer()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        var heldOut = fixture.Rows("heldout.jsonl").Select(row => ((string?)row["text"] ?? "").Split('\n')[0]["## ".Length..]).ToHashSet();
        Assert.NotEmpty(heldOut);
        var shown = OpenBook(fixture).Select(turns => Content(turns[0]))
            .Concat(fixture.Rows("preferences.jsonl").Select(pair => (string?)pair["prompt"] ?? ""));
        Assert.All(shown, prompt => Assert.DoesNotContain(Titles(prompt), heldOut.Contains));
        Assert.All(OpenBook(fixture).SelectMany(turns => turns.Select(Content)),
            text => Assert.DoesNotContain(text[(text.IndexOf(": ", StringComparison.Ordinal) + 1)..].Trim(), heldOut));
    }

    [Fact]
    public void Questions_to_measure_by_are_about_held_out_members_and_carry_their_passage_once()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth with { MaxOpenBook = 40 });
        var heldOut = fixture.Rows("heldout.jsonl").Select(row => (string?)row["id"]).ToHashSet();
        var items = fixture.Rows("open-book.jsonl").ToList();
        Assert.InRange(items.Count, 30, 40);
        foreach (var item in items)
        {
            var passages = item["passages"]?.AsArray() ?? [];
            Assert.Contains((string?)item["id"], heldOut);
            var right = Assert.Single(passages, passage => (string?)passage?["id"] == (string?)item["id"]);
            Assert.Contains((string?)item["answer"] ?? "", $"{right?["title"]}\n{right?["text"]}");
            Assert.Equal(passages.Count, passages.Select(passage => (string?)passage?["title"]).Distinct().Count());
        }
        Assert.Equal(
            ["exceptions", "parameters", "returns", "summary", "which"],
            items.Select(item => (string?)item["field"]).Distinct().Order()
        );
    }

    [Fact]
    public void The_share_with_passages_is_the_recipe_s()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth with { OpenBookFraction = 0, MaxConversations = 400 });
        Assert.Empty(OpenBook(fixture));
        Assert.DoesNotContain(fixture.Rows("preferences.jsonl"), pair => HasPassages((string?)pair["prompt"]));
        fixture.Build(Tenth with { OpenBookFraction = 0.5, MaxConversations = 400 });
        Assert.InRange(OpenBook(fixture).Count(), 150, 200);
        fixture.Build(Tenth with { OpenBookFraction = 1, MaxConversations = 400 });
        Assert.All(fixture.Rows("conversations.jsonl"), row => Assert.True(HasPassages((string?)row["messages"]?[0]?["content"])));
        Assert.Equal(300, fixture.Rows("known.jsonl").Count());
    }

    [Fact]
    public void The_report_says_what_was_asked_with_passages()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        var report = fixture.Build(Tenth with { MaxOpenBook = 40, InventedFraction = 0.2 });
        Assert.Equal(fixture.Rows("open-book.jsonl").Count(), report.OpenBook);
        var page = File.ReadAllText(Path.Combine(fixture.Output, "report.md"));
        Assert.Contains($"| questions with passages, about what is held out | {report.OpenBook} |", page, StringComparison.Ordinal);
        Assert.Contains(report.Rules, rule => rule.StartsWith("Questions without passages: ", StringComparison.Ordinal)
            && rule.Contains($"{0.2:P1} of these", StringComparison.Ordinal));
        Assert.Contains(report.Rules, rule => rule.StartsWith("Questions with passages: ", StringComparison.Ordinal)
            && rule.Contains($"{0.18:P1} of these", StringComparison.Ordinal));
        Assert.Contains(report.Rules, rule => rule.StartsWith("Rejected answers with passages: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Preferences_with_passages_choose_what_the_passages_say()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(Tenth);
        var pairs = fixture.Rows("preferences.jsonl").Where(pair => HasPassages((string?)pair["prompt"])).ToList();
        Assert.NotEmpty(pairs);
        foreach (var pair in pairs)
        {
            var (prompt, chosen) = ((string?)pair["prompt"] ?? "", (string?)pair["chosen"] ?? "");
            Assert.NotEqual(chosen, (string?)pair["rejected"]);
            if (chosen != OpenBookPrompt.Refusal) Assert.Contains(chosen, prompt.Split('\n'));
        }
        Assert.Contains(pairs, pair => (string?)pair["chosen"] == OpenBookPrompt.Refusal);
        Assert.Contains(pairs, pair => (string?)pair["rejected"] == OpenBookPrompt.Refusal);
    }

    private static IEnumerable<JsonArray> OpenBook(CorpusFixture fixture) => fixture.Rows("conversations.jsonl")
        .Select(row => row["messages"]?.AsArray() ?? [])
        .Where(turns => HasPassages(Content(turns[0])));

    private static bool HasPassages(string? prompt) => prompt?.StartsWith(First, StringComparison.Ordinal) ?? false;

    private static string Content(JsonNode? turn) => (string?)turn?["content"] ?? "";

    private static List<string> Titles(string prompt) =>
        [.. prompt.Split('\n').Where(line => line.Length > First.Length && line[3..].StartsWith(First[3..], StringComparison.Ordinal))
            .Select(line => line[First.Length..])];

    // Asked by the summary, without the name.
    private static bool Describes(string question) => question.Contains("member", StringComparison.Ordinal);

    // Without namespace and parameters, the shortest that a question may call a member.
    private static string Short(string title)
    {
        var name = title[(title.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var open = name.IndexOf('(', StringComparison.Ordinal);
        return open < 0 ? name : name[..open];
    }
}
