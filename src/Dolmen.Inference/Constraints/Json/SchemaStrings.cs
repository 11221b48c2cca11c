using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Strings of a JSON schema: <c>pattern</c>, <c>format</c>, <c>minLength</c> and <c>maxLength</c> together.</summary>
internal static class SchemaStrings
{
    private const string
        Date = "([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31))",
        Time = "(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))",
        Byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
        Label = "([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?)",
        Group = "[0-9A-Fa-f]{1,4}";

    /// <summary>The formats that OpenAI's structured outputs name (JSON Schema 2020-12, validation §7.3). A leap day is not written, as its
    /// year would have to be known.</summary>
    private static readonly Dictionary<string, string> Formats = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = $"{Date}T{Time}",
        ["duration"] = "P([0-9]{1,6}W|(([0-9]{1,6}Y([0-9]{1,6}M([0-9]{1,6}D)?)?|[0-9]{1,6}M([0-9]{1,6}D)?|[0-9]{1,6}D)"
            + "(T([0-9]{1,6}H([0-9]{1,6}M([0-9]{1,6}S)?)?|[0-9]{1,6}M([0-9]{1,6}S)?|[0-9]{1,6}S))?"
            + "|T([0-9]{1,6}H([0-9]{1,6}M([0-9]{1,6}S)?)?|[0-9]{1,6}M([0-9]{1,6}S)?|[0-9]{1,6}S)))",
        ["email"] = $"[A-Za-z0-9_+-]{{1,30}}(\\.[A-Za-z0-9_+-]{{1,30}})?@({Label}\\.){{1,3}}[A-Za-z]{{2,12}}",
        ["hostname"] = $"{Label}(\\.{Label}){{0,3}}",
        ["ipv4"] = $"{Byte}(\\.{Byte}){{3}}",
        ["ipv6"] = $"({Group}:){{7}}{Group}|({Group}(:{Group}){{0,2}})?::({Group}(:{Group}){{0,2}})?",
        ["uuid"] = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    };

    public static IReadOnlyList<string> Keywords { get; } = ["pattern", "format", "minLength", "maxLength"];

    /// <param name="at">Where the schema stands, for messages.</param>
    /// <exception cref="UserErrorException">A keyword is not understood, or no string satisfies them all.</exception>
    public static CharacterAutomaton Read(JsonElement schema, string at)
    {
        var (least, most) = SchemaField.Limits(schema, "minLength", "maxLength", at);
        var content = CharacterAutomaton.Repeated(CodePoints.All, least, most);
        if (SchemaField.Text(schema, "pattern", at) is { } pattern) content =
            content.Intersect(CharacterAutomaton.Of(RegexReader.Found(pattern)));
        if (SchemaField.Text(schema, "format", at) is { } format)
        {
            if (!Formats.TryGetValue(format, out var written))
            {
                throw SchemaField.Problem(at, $"the format '{ShownName.Of(format)}' is not supported; these are: " +
                    $"{string.Join(", ", Formats.Keys.Order(StringComparer.Ordinal))}");
            }
            content = content.Intersect(CharacterAutomaton.Of(RegexReader.Whole(written)));
        }
        return content.AcceptsNothing ? throw SchemaField.Problem(at, "no string satisfies its pattern, format and lengths together")
            : content;
    }
}
