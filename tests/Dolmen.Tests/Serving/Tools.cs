using System.Text.Json;
using Dolmen.Tests.Fakes;
using OpenAI;
using OpenAI.Chat;

namespace Dolmen.Tests.Serving;

/// <summary>Tools through OpenAI's own client.</summary>
public class Tools
{
    private static readonly ChatTool Add = ChatTool.CreateFunctionTool("add", "Adds two numbers.", BinaryData.FromString(
        """{"type":"object","properties":{"a":{"$ref":"#/$defs/digit"},"b":{"$ref":"#/$defs/digit"}},"required":["a","b"],"additionalProperties":false,"$defs":{"digit":{"type":"integer","minimum":0,"maximum":9}}}"""));

    private static readonly ChatTool Now = ChatTool.CreateFunctionTool("now");

    [Fact]
    public async Task A_call_that_is_asked_for_is_valid_whatever_the_model_is()
    {
        await using var server = await RunningServer.Start(Any());
        foreach (var choice in (ChatToolChoice[])[ChatToolChoice.CreateRequiredChoice(), ChatToolChoice.CreateFunctionChoice("add")])
        {
            for (var request = 0; request < 8; request++)
            {
                ChatCompletion answer = await Chat(server).CompleteChatAsync([new UserChatMessage("1 and 2?")], Options(choice),
                    TestContext.Current.CancellationToken);
                Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
                Assert.Empty(answer.Content);
                foreach (var call in answer.ToolCalls)
                {
                    Assert.Contains(call.FunctionName, (string[])["add", "now"]);
                    if (call.FunctionName == "add") CheckSum(call.FunctionArguments.ToString());
                    else Assert.Equal("{}", call.FunctionArguments.ToString());
                }
                Assert.NotEmpty(answer.ToolCalls);
            }
        }
    }

    [Fact]
    public async Task Streamed_calls_are_those_of_the_whole_answer()
    {
        await using var server = await RunningServer.Start(Any());
        var options = Options(ChatToolChoice.CreateFunctionChoice("add"), temperature: 0);
        UserChatMessage[] messages = [new("1 and 2?")];
        ChatCompletion whole = await Chat(server).CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
        var (name, arguments, id, reason) = ("", "", "", (ChatFinishReason?)null);
        await foreach (var update in Chat(server).CompleteChatStreamingAsync(messages, options, TestContext.Current.CancellationToken))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                Assert.Equal(0, call.Index);
                (name, arguments, id) = (name + call.FunctionName, arguments + call.FunctionArgumentsUpdate, id + call.ToolCallId);
            }
            reason ??= update.FinishReason;
        }
        Assert.Equal((whole.ToolCalls[0].FunctionName, whole.ToolCalls[0].FunctionArguments.ToString()), (name, arguments));
        Assert.StartsWith("call_", id, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
    }

    [Fact]
    public async Task The_model_is_told_of_the_tools_and_its_results_and_may_answer_in_words()
    {
        // Goes on with the alphabet: a model that calls nothing.
        int[] seen = [];
        await using var server = await RunningServer.Start(new FakeModel(ByteTokenizer.PairBase, 4000, (tokens, next) =>
        {
            if (next == 0) seen = [.. tokens];
            return next == (tokens[^1] < 255 ? tokens[^1] + 1 : 'A') ? 5 : 0;
        }));
        var call = ChatToolCall.CreateFunctionToolCall("call_1", "add", BinaryData.FromString("{\"a\":1,\"b\":2}"));
        ChatCompletion answer = await Chat(server).CompleteChatAsync(
            [new UserChatMessage("1 and 2?"), new AssistantChatMessage([call]), new ToolChatMessage("call_1", "3"),
                new UserChatMessage("so?")],
            new ChatCompletionOptions { Tools = { Add }, Temperature = 0, MaxOutputTokenCount = 3 }, TestContext.Current.CancellationToken);
        Assert.Empty(answer.ToolCalls);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        var prompt = System.Text.Encoding.UTF8.GetString([.. seen.Where(token => token < 256).Select(token => (byte)token)]);
        Assert.Contains("\"description\": \"Adds two numbers.\"", prompt, StringComparison.Ordinal);
        Assert.Contains("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}\n</tool_call>", prompt,
            StringComparison.Ordinal);
        Assert.Contains("<tool_response>\n3\n</tool_response>", prompt, StringComparison.Ordinal);
    }

    private static void CheckSum(string arguments)
    {
        var value = JsonElement.Parse(arguments);
        Assert.Equal(["a", "b"], value.EnumerateObject().Select(member => member.Name));
        Assert.All(value.EnumerateObject(), member => Assert.InRange(member.Value.GetInt32(), 0, 9));
    }

    private static FakeModel Any() => new(ByteTokenizer.PairBase, 4000, (tokens, next) => 0);

    private static ChatCompletionOptions Options(ChatToolChoice choice, float temperature = 1) =>
        new() { ToolChoice = choice, Temperature = temperature, MaxOutputTokenCount = 200, Tools = { Add, Now } };

    private static ChatClient Chat(RunningServer server) =>
        new("fake", new System.ClientModel.ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1") });
}
