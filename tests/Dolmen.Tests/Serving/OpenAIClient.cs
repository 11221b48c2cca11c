using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;

namespace Dolmen.Tests.Serving;

/// <summary>The client library users have, against our server.</summary>
public class OpenAIClient
{
    private const string Schema =
        """
        {"type":"object","properties":{"name":{"enum":["mno","b"]},"ok":{"type":"boolean"}},"required":["name","ok"],
        "additionalProperties":false}
        """;

    [Fact]
    public async Task It_chats()
    {
        await using var server = await RunningServer.Start();
        ChatCompletion answer = await Chat(server).CompleteChatAsync(
            [new SystemChatMessage("Be brief."), new UserChatMessage("hi")],
            new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 5 },
            TestContext.Current.CancellationToken);
        Assert.Equal("ABCDE", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal((17, 5, 22), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task It_streams_a_chat_and_learns_the_usage()
    {
        await using var server = await RunningServer.Start();
        var (text, reason, tokens) = ("", (ChatFinishReason?)null, 0);
        var options = new ChatCompletionOptions { Temperature = 0, StopSequences = { "XYZ" } };
        await foreach (var update in Chat(server)
            .CompleteChatStreamingAsync([new UserChatMessage("hi")], options, TestContext.Current.CancellationToken))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason ??= update.FinishReason;
            tokens += update.Usage?.OutputTokenCount ?? 0;
        }
        Assert.Equal(("ABCDEFGHIJKLMNOPQRSTUVW", ChatFinishReason.Stop, 26), (text, reason, tokens));
    }

    [Fact]
    public async Task It_gets_the_schema_it_asked_for_whole_and_streamed()
    {
        var format = ChatResponseFormat.CreateJsonSchemaFormat("answer", BinaryData.FromString(Schema), "A name.", true);
        UserChatMessage[] messages = [new("hi")];
        await using var server = await RunningServer.Start();
        foreach (var temperature in new[] { 0f, 1, 1, 1, 1 })
        {
            var options = new ChatCompletionOptions { Temperature = temperature, MaxOutputTokenCount = 60, ResponseFormat = format };
            ChatCompletion whole = await Chat(server).CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
            Assert.Equal(ChatFinishReason.Stop, whole.FinishReason);
            CheckName(whole.Content[0].Text);
            var streamed = "";
            await foreach (var update in Chat(server).CompleteChatStreamingAsync(messages, options, TestContext.Current.CancellationToken))
                streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
            CheckName(streamed);
            if (temperature == 0) Assert.Equal(whole.Content[0].Text, streamed);
        }

        static void CheckName(string answer)
        {
            var value = JsonElement.Parse(answer);
            Assert.Equal(["name", "ok"], value.EnumerateObject().Select(member => member.Name));
            Assert.Contains(value.GetProperty("name").GetString(), (string[])["mno", "b"]);
            Assert.Contains(value.GetProperty("ok").ValueKind, (JsonValueKind[])[JsonValueKind.True, JsonValueKind.False]);
        }
    }

    [Fact]
    public async Task It_lists_the_model()
    {
        await using var server = await RunningServer.Start();
        var models = await new OpenAI.OpenAIClient(Key, Options(server)).GetOpenAIModelClient()
            .GetModelsAsync(TestContext.Current.CancellationToken);
        Assert.Equal("fake", Assert.Single(models.Value).Id);
    }

    [Fact]
    public async Task It_understands_our_errors()
    {
        await using var server = await RunningServer.Start();
        var error = await Assert.ThrowsAsync<ClientResultException>(() =>
            Chat(server, "another").CompleteChatAsync([new UserChatMessage("hi")],
                cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(404, error.Status);
        Assert.Contains("model_not_found", error.Message);
    }

    private static ApiKeyCredential Key => new("none");

    private static OpenAIClientOptions Options(RunningServer server) => new() { Endpoint = new Uri(server.Address, "v1") };

    private static ChatClient Chat(RunningServer server, string model = "fake") => new(model, Key, Options(server));
}
