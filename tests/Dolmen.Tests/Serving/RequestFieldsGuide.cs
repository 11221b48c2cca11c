using Dolmen.Serving;
using Dolmen.Tests.Repository;

namespace Dolmen.Tests.Serving;

/// <summary>The guide's table is the code's list. DOLMEN_ACCEPT=1 writes it anew.</summary>
public class RequestFieldsGuide
{
    private const string Head = "| field | endpoint | what happens | note |\n|---|---|---|---|\n";

    private static string Guide => Path.Combine(Checkout.Root, "docs", "guides", "serve.md");

    [Fact]
    public void It_names_every_field_and_what_happens_to_it()
    {
        var rows = string.Concat(RequestTable.All.Select(Row));
        var text = File.ReadAllText(Guide);
        var start = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        var end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        if (Environment.GetEnvironmentVariable("DOLMEN_ACCEPT") == "1") File.WriteAllText(Guide, text[..start] + rows + text[end..]);
        else Assert.Equal(rows, text[start..end]);
    }

    [Fact]
    public void No_field_is_listed_twice_for_an_endpoint()
    {
        foreach (var endpoint in (Endpoints[])[Endpoints.Chat, Endpoints.Completions, Endpoints.Responses, Endpoints.Embeddings])
        {
            var names = RequestTable.All.Where(field => field.Endpoints.HasFlag(endpoint)).Select(field => field.Name).ToList();
            Assert.Equal(names.Distinct(), names);
        }
    }

    [Theory]
    [InlineData(Treatment.Ignored, """{"prompt":"xa","max_tokens":3,"temperature":0,"FIELD":"x"}""")]
    [InlineData(Treatment.Refused, """{"prompt":"xa","max_tokens":3,"temperature":0,"FIELD":{"unlikely":17}}""")]
    public async Task A_field_is_treated_as_the_table_says(object treatment, string request)
    {
        await using var server = await RunningServer.Start();
        var fields = RequestTable.All
            .Where(field => field.Treatment == (Treatment)treatment && field.Endpoints.HasFlag(Endpoints.Completions))
            .ToList();
        Assert.NotEmpty(fields);
        foreach (var field in fields)
        {
            var (status, body) = await server.Post("/v1/completions", request.Replace("FIELD", field.Name));
            if ((Treatment)treatment == Treatment.Ignored)
            {
                Assert.Contains("\"text\":\"bcd\"", body);
                continue;
            }
            Assert.Equal(400, (int)status);
            Assert.Contains($"\"param\":\"{field.Name}\"", body);
            foreach (var neutral in field.Neutral)
            {
                Assert.Contains("\"text\":\"bcd\"", (await server.Post("/v1/completions", request.Replace("FIELD", field.Name)
                    .Replace("""{"unlikely":17}""", neutral))).Body);
            }
        }
    }

    private static string Row(RequestField field)
    {
        var endpoint = field.Endpoints switch
        {
            Endpoints.All or Endpoints.Texts or Endpoints.Both => field.Endpoints.ToString().ToLowerInvariant(),
            _ => string.Join(", ", ((Endpoints[])[Endpoints.Chat, Endpoints.Completions, Endpoints.Responses, Endpoints.Embeddings])
                .Where(one => field.Endpoints.HasFlag(one)).Select(one => one.ToString().ToLowerInvariant())),
        };
        var unless = field.Neutral.Length == 0 ? "" : $" unless {string.Join(" or ", field.Neutral.Select(value => $"`{value}`"))}";
        return $"| `{field.Name}` | {endpoint} | {field.Treatment.ToString().ToLowerInvariant()}{unless} | "
            + $"{field.Note.Replace("|", "\\|")} |\n";
    }
}
