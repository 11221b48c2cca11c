using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tests.Fakes;
using Json.Schema;

namespace Dolmen.Tests.Inference.Constraints;

/// <summary>Every text drawn under a schema is judged by another program's validator, JsonSchema.Net.</summary>
public class SchemaConstraintTests
{
    private static readonly PieceTokenizer Pieces = new(
        "{\"", "\":", "\": ", "\",", "\", ", "\"}", "[]", "{}", "[{", "}]", "true", "false", "null", "10", "0.", "-1", "e1", "\\n", "\\\"",
        "name", " the", "a", "日本", "é", "12", "00");

    private static readonly EvaluationOptions Strict = new() { RequireFormatValidation = true };

    [Fact]
    public void Every_text_under_a_random_schema_is_valid()
    {
        for (ulong seed = 0; seed < 300; seed++)
        {
            var schema = RandomSchema.Of(seed);
            CheckDraws(schema.ToJsonString(), draws: 3, seed);
        }
    }

    [Theory]
    [InlineData("""{"type":"integer","minimum":-17,"maximum":230}""")]
    [InlineData("""{"type":"integer","exclusiveMinimum":99,"exclusiveMaximum":1001,"multipleOf":7}""")]
    [InlineData("""{"type":"number","minimum":-0.25,"exclusiveMaximum":1.5}""")]
    [InlineData("""{"type":"number","minimum":0.1,"maximum":0.3,"multipleOf":0.05}""")]
    [InlineData("""{"type":"number","exclusiveMaximum":-1e3}""")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":5}""")]
    [InlineData("""{"type":"string","pattern":"^[A-Z]{2}\\d+$","maxLength":6}""")]
    [InlineData("""{"type":"string","pattern":"b+","maxLength":8}""")]
    [InlineData("""{"type":"string","pattern":"[\"\\\\\\n]","maxLength":4}""")]
    [InlineData("""{"type":"string","format":"date-time"}""")]
    [InlineData("""{"type":"string","format":"date"}""")]
    [InlineData("""{"type":"string","format":"time"}""")]
    [InlineData("""{"type":"string","format":"duration"}""")]
    [InlineData("""{"type":"string","format":"email"}""")]
    [InlineData("""{"type":"string","format":"hostname"}""")]
    [InlineData("""{"type":"string","format":"ipv4"}""")]
    [InlineData("""{"type":"string","format":"ipv6"}""")]
    [InlineData("""{"type":"string","format":"uuid"}""")]
    [InlineData("""{"type":["string","null"],"maxLength":4}""")]
    [InlineData("""{"enum":["a",1,null,{"b":[true,"\"\\"]},"é\n"]}""")]
    [InlineData("""{"const":{"x":[1.50,"/"]}}""")]
    [InlineData("""{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":4}""")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"integer"},{"type":"null"}],"items":{"type":"boolean"},"minItems":1,"maxItems":5}""")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"integer"},{"type":"null"}],"items":false,"minItems":2}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"},"c":{"type":"boolean"}},"required":["b"],"additionalProperties":false}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"},"propertyNames":{"pattern":"^[a-z]{1,3}$"},"minProperties":1,"maxProperties":3}""")]
    [InlineData("""{"properties":{"a b\"":{"const":1}},"required":["a b\"","z"]}""")]
    [InlineData("""{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"],"additionalProperties":false}}}""")]
    [InlineData("""{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}},"required":["children"],"additionalProperties":false}""")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"enum":["b"]}},"required":["k"]}]}""")]
    [InlineData("""{"type":"object"}""")]
    [InlineData("{}")]
    [InlineData("true")]
    public void Every_text_under_the_schema_is_valid(string schema) => CheckDraws(schema, draws: 60, seed: 1);

    [Theory]
    [InlineData("""{"type":"integer","minimum":-17,"maximum":230}""", "-17|0|230|-1", "-18|231|1000|-0|00|1.0")]
    [InlineData("""{"type":"number","minimum":-0.25,"exclusiveMaximum":1.5}""", "-0.25|-0.1|1.4999|0|1", "-0.26|1.5|1.50|2")]
    [InlineData("""{"type":"integer","multipleOf":7}""", "0|7|-14|700", "1|-8|701")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"ab\"|\"日本語\"|\"\\n\\\"\"", "\"a\"|\"abcd\"")]
    [InlineData("""{"type":"array","items":{"type":"null"},"maxItems":2}""", "[]|[null]|[null, null]|[null,null]", "[null,null,null]|[,null]")]
    [InlineData("""{"properties":{"a":{"const":1},"b":{"const":2}},"required":["b"]}""", """{"b":2}|{"a":1,"b":2}|{"a": 1, "b": 2}""", """{}|{"a":1}|{"b":2,}""")]
    public void The_schema_allows_and_refuses(string schema, string allowed, string refused)
    {
        var constraint = TextConstraint.JsonSchema(JsonElement.Parse(schema), new PieceTokenizer());
        Assert.All(allowed.Split('|'), text => Assert.True(ConstrainedText.Allows(constraint, text), text));
        Assert.All(refused.Split('|'), text => Assert.False(ConstrainedText.Allows(constraint, text), text));
    }

    [Theory]
    [InlineData("""{"type":"object","patternProperties":{"a":{}}}""", "at #", "'patternProperties' is not supported")]
    [InlineData("""{"properties":{"a":{"not":{}}}}""", "at #/properties/a", "'not' is not supported")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "at #", "'uniqueItems' is not supported")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "at #", "#/$defs/x, which is not in the schema")]
    [InlineData("""{"$ref":"https://example.org/schema"}""", "at #", "which is not in the schema")]
    [InlineData("""{"$ref":"#"}""", "rule '#'", "calls itself before anything else")]
    [InlineData("""{"type":"string","format":"color"}""", "at #", "'color' is not supported")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""", "at #", "no number")]
    [InlineData("""{"type":"string","pattern":"^a$","minLength":2}""", "at #", "no string satisfies")]
    [InlineData("""{"type":"text"}""", "at #", "'type' must be one of")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "at #", "may overlap")]
    [InlineData("""{"anyOf":[{"type":"integer"}],"minimum":3}""", "at #", "'anyOf' beside 'minimum'")]
    [InlineData("""{"type":"object","required":["x"],"additionalProperties":false}""", "at #", "'x', which is not among")]
    [InlineData("""{"enum":[]}""", "at #", "'enum'")]
    [InlineData("""{"type":"string","minLength":-1}""", "at #", "'minLength' must be a whole number")]
    [InlineData("[]", "at #", "a schema must be an object")]
    public void What_cannot_be_held_is_refused(string schema, string where, string problem)
    {
        var message = Assert.Throws<UserErrorException>(() => TextConstraint.JsonSchema(JsonElement.Parse(schema), Pieces)).Message;
        Assert.Contains(where, message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mode_of_its_own_gives_any_object()
    {
        var constraint = TextConstraint.JsonObject(Pieces);
        for (ulong seed = 0; seed < 100; seed++)
        {
            var text = ConstrainedText.Draw(constraint, Pieces, seed);
            Assert.IsType<JsonObject>(JsonNode.Parse(Assert.IsType<string>(text)));
        }
    }

    private static void CheckDraws(string schema, int draws, ulong seed)
    {
        var validator = Json.Schema.JsonSchema.FromText(schema);
        var constraint = TextConstraint.JsonSchema(JsonElement.Parse(schema), Pieces);
        for (var i = 0; i < draws; i++)
        {
            var text = ConstrainedText.Draw(constraint, Pieces, seed * 1000 + (ulong)i);
            Assert.True(text is not null, $"no text was completed under {schema}");
            var result = validator.Evaluate(JsonElement.Parse(text), Strict);
            Assert.True(result.IsValid, $"{text} is not valid under {schema}");
        }
    }
}
