using Dolmen.Serving;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: SemanticKernel MODEL [TOPIC]");
    return 2;
}

using var chat = DolmenChatClient.Load(args[0]);
var builder = Kernel.CreateBuilder();
builder.Services.AddSingleton<IChatClient>(chat);
builder.Services.AddSingleton(chat.AsChatCompletionService());
var kernel = builder.Build();

// A prompt with a variable: the kernel finds the model among its services.
var topic = args.ElementAtOrDefault(1) ?? "System.String.Trim()";
var explain = kernel.CreateFunctionFromPrompt("What does {{$topic}} do?");
Console.WriteLine(await kernel.InvokeAsync(explain, new KernelArguments { ["topic"] = topic }));

// A conversation through Semantic Kernel's own chat service, as it comes.
var history = new ChatHistory("Be brief.");
history.AddUserMessage($"When would I use {topic}?");
var service = kernel.GetRequiredService<IChatCompletionService>();
await foreach (var piece in service.GetStreamingChatMessageContentsAsync(history, kernel: kernel))
    Console.Write(piece.Content);
Console.WriteLine();
return 0;
