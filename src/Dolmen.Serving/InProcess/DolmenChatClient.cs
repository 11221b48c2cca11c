using System.Runtime.CompilerServices;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Retrieval;
using Dolmen.Serving.Tools;
using Dolmen.Tokenization;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Dolmen.Serving;

/// <summary>A model in this process as Microsoft.Extensions.AI's chat client: streaming, tools, structured output, usage. Requests from
/// several threads are computed together. With an index of documents each question is answered from the passages found for it, which the
/// response names under <see cref="SourcesKey"/>. Options mean what the fields of <c>/v1/chat/completions</c> mean; further fields, such as
/// <c>min_p</c>, go into <see cref="ChatOptions.AdditionalProperties"/>.</summary>
public sealed class DolmenChatClient : IChatClient
{
    /// <summary>Where a response has its sources in <c>AdditionalProperties</c>: a list of <see cref="SourceEntry"/>.</summary>
    public const string SourcesKey = "sources";

    private readonly ServedModel _served;
    private readonly Scheduler _scheduler;
    private readonly bool _ownsModel;
    private readonly ChatClientMetadata _metadata;
    private long _requests;

    /// <param name="served">Stays the caller's.</param>
    public DolmenChatClient(ServedModel served) : this(served, ownsModel: false) { }

    private DolmenChatClient(ServedModel served, bool ownsModel)
    {
        (_served, _ownsModel) = (served, ownsModel);
        _scheduler = new Scheduler(served.Model, served.Tokenizer, new SchedulerOptions());
        _metadata = new ChatClientMetadata("dolmen", defaultModelId: served.Name);
        _scheduler.Start();
    }

    /// <summary>Opens a finished run, a model folder or a GGUF file.</summary>
    /// <param name="threads">All cores when left out.</param>
    /// <param name="precision">How the matrices are kept in memory.</param>
    /// <param name="documents">The index that answers come from, as a file or a run. The model's run's own when left out; "" for
    /// none.</param>
    /// <exception cref="UserErrorException">The path holds no model, or one that is damaged or not supported; or the index does
    /// not exist.</exception>
    public static DolmenChatClient Load(
        string model, int? threads = null, WeightPrecision precision = WeightPrecision.Stored, string? documents = null)
    {
        var index = documents is null ? IndexPlace.OfModel(model) : documents.Length == 0 ? null : IndexPlace.Named(documents);
        var opened = index is null ? null : DocumentIndex.Open(index);
        try
        {
            var (loaded, tokenizer) = ModelFolder.Load(model, threads, precision);
            return new DolmenChatClient(new ServedModel(ServedModel.NameOf(model), loaded, tokenizer)
            {
                Defaults = SamplingDefaults.Of(ModelFolder.Settings(model), temperature: 1), Folder = ModelFolder.Locate(model),
                Documents = opened,
            }, ownsModel: true);
        }
        catch
        {
            opened?.Dispose();
            throw;
        }
    }

    /// <exception cref="NotSupportedException">A message holds what the model cannot read, or an option cannot be honoured.</exception>
    /// <exception cref="UserErrorException">An option is out of its range, or the conversation does not fit the context.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (request, id) = Read(messages, options);
        var result = await Submit(request, cancellationToken).Result.ConfigureAwait(false);
        var parts = request.Tools?.Reader() is { } reader ? [.. reader.Add(result.Text), .. reader.Finish()]
            : new[] { new AnswerPart(result.Text, null) };
        var contents = Contents(parts, id, firstCall: 0);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents) { MessageId = id })
        {
            ResponseId = id, ModelId = _served.Name, FinishReason = ReasonOf(result, contents.OfType<FunctionCallContent>().Any()),
            Usage = UsageOf(request, result), CreatedAt = DateTimeOffset.UtcNow, RawRepresentation = result,
            AdditionalProperties = SourcesOf(request, result),
        };
    }

    /// <inheritdoc cref="GetResponseAsync"/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken =
            default)
    {
        var (request, id) = Read(messages, options);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var (generation, reader, calls) = (Submit(request, abandoned.Token), request.Tools?.Reader(), 0);
        try
        {
            await foreach (var piece in generation.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                if (piece.Token is not null) continue;
                var parts = reader?.Add(piece.Text) ?? [new AnswerPart(piece.Text, null)];
                foreach (var update in Updates(parts)) yield return update;
            }
            var result = await generation.Result.ConfigureAwait(false);
            foreach (var update in Updates(reader?.Finish() ?? [])) yield return update;
            var last = Update([new UsageContent(UsageOf(request, result))]);
            last.FinishReason = ReasonOf(result, calls > 0);
            last.RawRepresentation = result;
            last.AdditionalProperties = SourcesOf(request, result);
            yield return last;
        }
        finally
        {
            // A reader that stops early lets go of the model.
            await abandoned.CancelAsync().ConfigureAwait(false);
        }

        IEnumerable<ChatResponseUpdate> Updates(IEnumerable<AnswerPart> parts)
        {
            foreach (var part in parts)
            {
                var contents = Contents([part], id, calls);
                if (part.Call is not null) calls++;
                yield return Update(contents);
            }
        }

        ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
        {
            ResponseId = id, MessageId = id, ModelId = _served.Name, CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    /// <summary>Vectors of texts by the same engine, which stays this client's.</summary>
    public DolmenEmbeddingGenerator Embeddings => new(_served, _scheduler);

    /// <summary>Gives the <see cref="LanguageModel"/>, the <see cref="Tokenizer"/>, the <see cref="Scheduler"/> that computes the answers,
    /// and <see cref="ChatClientMetadata"/>.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : ((object[])[this, _metadata, _served.Model, _served.Tokenizer, _scheduler]).FirstOrDefault(serviceType.IsInstanceOfType);
    }

    public void Dispose()
    {
        _scheduler.Dispose();
        if (!_ownsModel) return;
        _served.Model.Dispose();
        _served.Documents?.Dispose();
    }

    private static AdditionalPropertiesDictionary? SourcesOf(CompletionRequest request, GenerationResult result) =>
        SourceEntry.Of(result.Text, request.Passages) is { } sources ? new() { [SourcesKey] = sources } : null;

    private (CompletionRequest Request, string Id) Read(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var number = Interlocked.Increment(ref _requests);
        var body = ChatBody.Of(messages, options, this);
        try
        {
            var element = JsonSerializer.SerializeToElement(body, ServingJson.Default.JsonObject);
            return (CompletionRequest.Of(element, _served, chat: true, defaultSeed: StableHash.Of($"{_served.Name} {number}")),
                $"dolmen-{number}");
        }
        catch (ApiErrorException error) when (error.Error.Code is "unsupported_parameter" or "unknown_parameter")
        {
            throw new NotSupportedException(error.Message, error);
        }
        catch (ApiErrorException error)
        {
            throw new UserErrorException(error.Message, error);
        }
    }

    private Generation Submit(CompletionRequest request, CancellationToken stop) =>
        _scheduler.Submit(new GenerationRequest(request.Prompts[0].Tokens, request.Generation), stop);

    private static List<AIContent> Contents(IEnumerable<AnswerPart> parts, string id, int firstCall)
    {
        var contents = new List<AIContent>();
        foreach (var part in parts)
        {
            if (part.Call is { } call) contents.Add(Call(call, $"{id}-{firstCall++}"));
            else if (part.Text is { Length: > 0 } text) contents.Add(new TextContent(text));
        }
        return contents;
    }

    private static FunctionCallContent Call(ToolCall call, string id) => FunctionCallContent.CreateFromParsedArguments(
        call.Arguments, id, call.Name,
        static json => JsonSerializer.Deserialize(json, ServingJson.Default.DictionaryStringObject));

    private static UsageDetails UsageOf(CompletionRequest request, GenerationResult result)
    {
        var prompt = request.Prompts[0].Tokens.Length;
        return new UsageDetails
        {
            InputTokenCount = prompt, OutputTokenCount = result.Tokens.Length, TotalTokenCount = prompt + result.Tokens.Length,
            CachedInputTokenCount = result.Statistics.CachedTokens,
        };
    }

    private static ChatFinishReason ReasonOf(GenerationResult result, bool calls) => calls ? ChatFinishReason.ToolCalls
        : result.FinishReason == FinishReason.Stop ? ChatFinishReason.Stop : ChatFinishReason.Length;
}
