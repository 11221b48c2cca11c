using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Dolmen.Samples.WebApi;
using Dolmen.Serving;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
var model = builder.Configuration["model"] ?? throw new InvalidOperationException("Say which model: --model runs/quickstart");

// One client for all requests: they are computed together.
builder.Services.AddChatClient(_ => DolmenChatClient.Load(model)).UseLogging();
var app = builder.Build();
_ = app.Services.GetRequiredService<IChatClient>();     // loads the model before the first request

app.MapPost("/ask", async (Question question, IChatClient chat, CancellationToken stop) =>
{
    var answer = await chat.GetResponseAsync(question.Text, Options(question), stop);
    return new Answer(answer.Text, answer.Usage?.OutputTokenCount ?? 0);
});

app.MapPost("/stream", (Question question, IChatClient chat, CancellationToken stop) =>
    TypedResults.ServerSentEvents(Pieces(chat, question, stop)));

app.Run();

// A client that goes away cancels the request, and with it the generation.
static async IAsyncEnumerable<SseItem<string>> Pieces(
    IChatClient chat, Question question, [EnumeratorCancellation] CancellationToken stop)
{
    await foreach (var update in chat.GetStreamingResponseAsync(question.Text, Options(question), stop))
    {
        if (update.Text.Length > 0) yield return new SseItem<string>(update.Text, "text");
        if (update.FinishReason is { } reason) yield return new SseItem<string>(reason.Value, "end");
    }
}

static ChatOptions Options(Question question) => new() { MaxOutputTokens = Math.Clamp(question.MaxTokens ?? 256, 1, 1024) };

namespace Dolmen.Samples.WebApi
{
    internal sealed record Question(string Text, int? MaxTokens = null);

    internal sealed record Answer(string Text, long Tokens);
}
