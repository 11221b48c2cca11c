using Dolmen.Serving;
using Microsoft.Extensions.AI;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Console MODEL: a run of dolmen, a model folder from Hugging Face or a .gguf file");
    return 2;
}

using var chat = DolmenChatClient.Load(args[0]);
var conversation = new List<ChatMessage>();
while (Read() is { Length: > 0 } question)
{
    conversation.Add(new ChatMessage(ChatRole.User, question));
    var updates = new List<ChatResponseUpdate>();
    await foreach (var update in chat.GetStreamingResponseAsync(conversation, new ChatOptions { MaxOutputTokens = 256 }))
    {
        Console.Write(update.Text);
        updates.Add(update);
    }
    Console.WriteLine();
    conversation.AddMessages(updates);
}
return 0;

static string? Read()
{
    Console.Error.Write("you: ");
    return Console.ReadLine();
}
