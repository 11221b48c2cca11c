using System.ComponentModel;
using Dolmen.Serving;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Agent MODEL [QUESTION]: a model whose chat template knows tools");
    return 2;
}

using var chat = DolmenChatClient.Load(args[0]);
var time = AIFunctionFactory.Create(TimeOfDay, "time_of_day");
var agent = new ChatClientAgent(chat, new ChatClientAgentOptions
{
    Name = "clock",
    ChatOptions = new ChatOptions
    {
        Instructions = "Answer in one sentence.",
        // Any model makes a valid call where one is required; after its result the model may answer.
        Tools = [time], ToolMode = ChatToolMode.RequireSpecific(time.Name), MaxOutputTokens = 256,
    },
});
var session = await agent.CreateSessionAsync();
var answer = await agent.RunAsync(args.ElementAtOrDefault(1) ?? "What time is it in Seoul?", session);
foreach (var content in answer.Messages.SelectMany(message => message.Contents))
{
    if (content is FunctionCallContent call) Console.Error.WriteLine($"calls {call.Name}");
    if (content is FunctionResultContent result) Console.Error.WriteLine($"gets {result.Result}");
}
Console.WriteLine(answer.Text);
return 0;

// A small model may ask for any number: what it gets is an answer all the same.
[Description("Says what time it is.")]
static string TimeOfDay([Description("Whole hours from UTC, such as 2 or -5.")] long hours) =>
    hours is >= -14 and <= 14 ? $"{DateTimeOffset.UtcNow.ToOffset(TimeSpan.FromHours(hours)):HH:mm}"
        : "Time zones lie between -14 and +14 hours from UTC.";
