using System.Globalization;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Templates put together and taken apart at random end in text or in a sentence for the user, never in anything else.</summary>
public class ChatTemplateFuzzTests
{
    private static readonly string[] Templates = [.. File.ReadLines(Path.Combine(Samples.Goldens, "chat-templates.jsonl")).Skip(1)
        .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("template").GetString() ?? "")];

    private static readonly string[] Pieces =
    [
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{%- ",
        " -%}",
        "{#",
        "#}",
        "'",
        "\"",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        ".",
        ",",
        ":",
        "=",
        "==",
        "+",
        "-",
        "~",
        "*",
        "**",
        "//",
        "%",
        "<",
        "in ",
        "not ",
        "is ",
        "if ",
        "else ",
        "for x in ",
        "set x = ",
        "endif",
        "endfor",
        "macro f(",
        "endmacro",
        "call f()",
        "endcall",
        "filter ",
        "generation",
        "endgeneration",
        "raw",
        "endraw",
        "loop.",
        "messages",
        "d",
        "s",
        "nums",
        "0",
        "1",
        "99999999999",
        "1.5",
        "none",
        "true",
        "x",
        "\n",
        " ",
        "\\",
        "😀",
        "namespace(",
        "range(",
        "break",
        "continue",
        "join",
        "map(",
        "select",
        "tojson",
        "length",
        "format(",
        "split(",
        "replace(",
        "[::-1]",
        "items()",
    ];

    // DOLMEN_FUZZ_SECONDS=300 makes a search of what is a check otherwise.
    private static readonly int Seconds = int.Parse(
        Environment.GetEnvironmentVariable("DOLMEN_FUZZ_SECONDS") ?? "1",
        CultureInfo.InvariantCulture
    );

    [Fact]
    public void No_template_breaks_the_engine()
    {
        var until = TimeProvider.System.GetTimestamp();
        var random = new StableRandom((ulong)Seconds);
        var shared = JsonDocument.Parse(File.ReadLines(Path.Combine(Samples.Goldens, "chat-templates.jsonl")).First()).RootElement;
        var input = new ChatInput(shared.GetProperty("messages"), shared.GetProperty("tools"));
        foreach (var variable in shared.GetProperty("variables").EnumerateObject()) input.With(variable.Name, variable.Value);
        var (rounds, rendered) = (0, 0);
        while (rounds < 300 || TimeProvider.System.GetElapsedTime(until).TotalSeconds < Seconds)
        {
            rounds++;
            var template = random.Next(3) == 0 ? Random(ref random) : Mutated(ref random);
            try
            {
                ChatTemplate.Parse(template).Tokenize(Samples.Tokenizer, input);
                rendered++;
            }
            catch (UserErrorException)
            {
                // The user is told; anything else fails the test.
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"round {rounds}: {template}", error);
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} templates, {rendered} of them rendered");
        Assert.InRange(rendered, rounds / 50, rounds - 1);
    }

    private static string Random(ref StableRandom random)
    {
        var text = new StringBuilder();
        for (var i = 1 + random.Next(30); i > 0; i--) text.Append(Pieces[random.Next(Pieces.Length)]);
        return text.ToString();
    }

    private static string Mutated(ref StableRandom random)
    {
        var text = new StringBuilder(Templates[random.Next(Templates.Length)]);
        for (var i = random.Next(4); i >= 0; i--)
        {
            var at = random.Next(text.Length + 1);
            switch (random.Next(4))
            {
                case 0: text.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                case 1: text.Remove(at, Math.Min(1 + random.Next(6), text.Length - at)); break;
                case 2: text.Insert(at, Templates[random.Next(Templates.Length)]); break;
                default:
                    var from = random.Next(text.Length + 1);
                    var piece = text.ToString(from, Math.Min(random.Next(20), text.Length - from));
                    text.Insert(at, piece);
                    break;
            }
        }
        return text.ToString();
    }
}
