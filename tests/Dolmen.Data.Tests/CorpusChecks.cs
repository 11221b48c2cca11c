using Dolmen.Data.Alignment;

namespace Dolmen.Tests.Data;

/// <summary>What must hold of every corpus, whatever it was built from.</summary>
internal static class CorpusChecks
{
    private const int MinLineChars = 25;

    public static void HeldOutIsUnseen(string corpus)
    {
        var texts = CorpusFixture.RowsOf(corpus, "heldout.jsonl").Select(r => Text(r["text"]));
        var lines = texts.SelectMany(t => t.Split('\n').Skip(1)).Where(line => line.Length >= MinLineChars).ToHashSet();
        // What training text says too may be asked about.
        lines.ExceptWith(TextSearch.Occurring(lines, Dolmen.Data.CorpusText.ReadDocuments(corpus)));
        // Passages call what a property is what it returns, documents its value.
        var values = lines.Where(line => line.StartsWith("Returns: ", StringComparison.Ordinal))
            .ToDictionary(line => line, line => $"Value: {line["Returns: ".Length..]}");
        var said = TextSearch.Occurring([.. values.Values], Dolmen.Data.CorpusText.ReadDocuments(corpus)).ToHashSet();
        lines.RemoveWhere(line => values.TryGetValue(line, out var value) && said.Contains(value));
        var headings = CorpusFixture.RowsOf(corpus, "heldout.jsonl").Select(r => Text(r["text"]).Split('\n')[0]).ToHashSet();
        var signatures = headings.Select(h => $"`{h["## ".Length..]}`").ToHashSet();
        foreach (var line in Dolmen.Data.CorpusText.ReadDocuments(corpus).SelectMany(d => d.Split('\n')))
            Assert.DoesNotContain(line, headings);
        List<string> shown = [.. CorpusFixture
            .RowsOf(corpus, "conversations.jsonl")
            .SelectMany(r => r["messages"]?.AsArray() ?? [])
            .Select(m => Text(m?["content"]))
            .Concat(
                CorpusFixture
                    .RowsOf(corpus, "preferences.jsonl")
                    .SelectMany(r => new[] { Text(r["prompt"]), Text(r["chosen"]), Text(r["rejected"]) })
            )
            .Concat(CorpusFixture.RowsOf(corpus, "known.jsonl").Select(r => Text(r["prompt"])))
            .Concat(CorpusFixture.RowsOf(corpus, "few-shot.jsonl").SelectMany(r =>
                new[] { $"`{Text(r["query"])[3..].TrimEnd()}`", Text(r["answer"]) }))];
        Assert.NotEmpty(lines);
        Assert.Empty(TextSearch.Occurring(lines, shown));
        var names = shown.SelectMany(Quoted).ToList();
        Assert.NotEmpty(signatures);
        Assert.NotEmpty(names);
        Assert.DoesNotContain(names, signatures.Contains);
    }

    public static void MultipleChoiceIsSound(string corpus)
    {
        var heldOut = CorpusFixture.RowsOf(corpus, "heldout.jsonl").ToDictionary(r => Text(r["id"]), r => Text(r["text"]));
        var documents = string.Join('\n', Dolmen.Data.CorpusText.ReadDocuments(corpus));
        var items = CorpusFixture.RowsOf(corpus, "multiple-choice.jsonl").ToList();
        Assert.NotEmpty(items);
        foreach (var item in items)
        {
            var choices = (item["choices"]?.AsArray() ?? []).Select(Text).ToList();
            Assert.Equal(4, choices.Distinct().Count());
            Assert.All(choices, c => Assert.DoesNotContain('\n', c));
            var gold = choices[(int)(item["gold"] ?? -1)];
            Assert.StartsWith($"{Text(item["query"])}{gold}\n", heldOut[Text(item["id"])], StringComparison.Ordinal);
        }
        foreach (var item in items.Take(25))
            Assert.Equal(
                documents.Contains(Text(item["choices"]?[(int)(item["gold"] ?? -1)]), StringComparison.Ordinal),
                (bool)(item["seen"] ?? false)
            );
    }

    public static void InventedNamesAreInvented(string corpus)
    {
        var real = Dolmen.Data.CorpusText.ReadDocuments(corpus).Concat(Dolmen.Data.CorpusText.ReadHeldOut(corpus))
            .SelectMany(t => t.Split('\n')).Where(l => l.StartsWith('#')).Select(l => l.TrimStart('#', ' ')).ToHashSet();
        var evaluated = CorpusFixture.RowsOf(corpus, "invented.jsonl").Select(r => Text(r["name"])).ToHashSet();
        Assert.Equal(300, evaluated.Count);
        Assert.DoesNotContain(evaluated, real.Contains);
        var refused = CorpusFixture
            .RowsOf(corpus, "conversations.jsonl")
            .Select(r => (Prompt: Text(r["messages"]?[0]?["content"]), Answer: Text(r["messages"]?[1]?["content"])))
            .Concat(CorpusFixture.RowsOf(corpus, "preferences.jsonl").Select(r => (Prompt: Text(r["prompt"]), Answer: Text(r["chosen"]))))
            .Where(t => t.Answer.StartsWith("I don't know", StringComparison.Ordinal)).SelectMany(t => Quoted(t.Prompt)).ToList();
        Assert.NotEmpty(refused);
        Assert.DoesNotContain(refused, real.Select(r => $"`{r}`").ToHashSet().Contains);
        Assert.DoesNotContain(refused, evaluated.Select(r => $"`{r}`").ToHashSet().Contains);
    }

    private static List<string> Quoted(string text) => [.. text.Split('`').Where((_, i) => i % 2 == 1).Select(s => $"`{s}`")];

    private static string Text(System.Text.Json.Nodes.JsonNode? node) =>
        (string?)node ?? throw new InvalidDataException("A text is missing.");
}
