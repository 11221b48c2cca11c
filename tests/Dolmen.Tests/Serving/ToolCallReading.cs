using CsCheck;
using Dolmen.Serving.Tools;

namespace Dolmen.Tests.Serving;

public class ToolCallReading
{
    private static readonly HashSet<string> Names = ["add", "now"];

    [Theory]
    [InlineData("Hello <b>there</b> <tool", "Hello <b>there</b> <tool")]
    [InlineData("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>", "add({\"a\": 1})")]
    [InlineData("I add.\n<tool_call>{\"name\":\"add\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"now\"}</tool_call>\n",
        "I add.|add({})|now({})")]
    [InlineData("<tool_call>{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":2}\"}</tool_call> done", "add({\"a\":2})|done")]
    [InlineData("<tool_call>{\"name\":\"add\",\"arguments\":{}}", "add({})")]
    [InlineData("<tool_call>{\"name\":\"steal\",\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"steal\",\"arguments\":{}}</tool_call>")]
    [InlineData("<tool_call>{\"name\":\"add\",</tool_call>x", "<tool_call>{\"name\":\"add\",</tool_call>x")]
    [InlineData("<tool_call>{\"name\":\"add\",\"arguments\":[1]}</tool_call>",
        "<tool_call>{\"name\":\"add\",\"arguments\":[1]}</tool_call>")]
    public void Tagged_calls_are_read(string answer, string expected) => Check(ToolStyle.Tagged, answer, expected);

    [Theory]
    [InlineData("{\"name\": \"add\", \"parameters\": {\"a\": 1}}", "add({\"a\": 1})")]
    [InlineData(" [{\"name\":\"add\",\"arguments\":{}}, {\"name\":\"now\",\"arguments\":{}}]", "add({})|now({})")]
    [InlineData("The answer is {\"name\": \"add\"}.", "The answer is {\"name\": \"add\"}.")]
    [InlineData("{\"name\": \"steal\", \"parameters\": {}}", "{\"name\": \"steal\", \"parameters\": {}}")]
    [InlineData("{\"sum\": 3}", "{\"sum\": 3}")]
    [InlineData("[]", "[]")]
    [InlineData("{\"name\":\"\\ud800\"}", "{\"name\":\"\\ud800\"}")]
    [InlineData("", "")]
    public void An_answer_that_is_a_call_is_read(string answer, string expected) => Check(ToolStyle.WholeAnswer, answer, expected);

    /// <summary>The same whole and in pieces, wherever it is cut.</summary>
    private static void Check(object style, string answer, string expected)
    {
        Assert.Equal(expected, Read((ToolStyle)style, [answer]));
        Gen.Int[0, answer.Length].Array[0, 8].Sample(cuts =>
        {
            int[] ends = [0, .. cuts.Order(), answer.Length];
            return Read((ToolStyle)style, ends.Zip(ends.Skip(1), (from, to) => answer[from..to])) == expected;
        }, iter: 50);
    }

    private static string Read(ToolStyle style, IEnumerable<string> pieces)
    {
        var reader = new ToolCallReader(style, Names);
        var parts = new List<string>();
        var text = "";
        foreach (var part in pieces.SelectMany(piece => reader.Add(piece).ToList()).Concat(reader.Finish()))
        {
            text += part.Text;
            if (part.Call is not { } call) continue;
            if (text.Length > 0) parts.Add(text);
            parts.Add($"{call.Name}({call.Arguments})");
            text = "";
        }
        return string.Join('|', text.Length > 0 ? [.. parts, text] : parts);
    }
}
