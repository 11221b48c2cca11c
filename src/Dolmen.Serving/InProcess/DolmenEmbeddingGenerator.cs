using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Serving.Embeddings;
using Dolmen.Tokenization;
using Microsoft.Extensions.AI;

namespace Dolmen.Serving;

/// <summary>A model in this process as Microsoft.Extensions.AI's embedding generator: vectors of length 1. All texts of a call, and those
/// of calls from several threads, are computed together. <see cref="EmbeddingGenerationOptions.Dimensions"/> and the further fields of
/// <c>/v1/embeddings</c>, such as <c>pooling</c>, mean what they mean there.</summary>
public sealed class DolmenEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly ServedModel _served;
    private readonly Scheduler _scheduler;
    private readonly bool _ownsScheduler, _ownsModel;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <param name="served">Stays the caller's. Where a <see cref="DolmenChatClient"/> uses the model too, ask that for its
    /// <see cref="DolmenChatClient.Embeddings"/>: a model has one engine.</param>
    public DolmenEmbeddingGenerator(ServedModel served) : this(served, Started(served), ownsScheduler: true, ownsModel: false) { }

    internal DolmenEmbeddingGenerator(ServedModel served, Scheduler scheduler) : this(served, scheduler, false, false) { }

    private DolmenEmbeddingGenerator(ServedModel served, Scheduler scheduler, bool ownsScheduler, bool ownsModel)
    {
        (_served, _scheduler, _ownsScheduler, _ownsModel) = (served, scheduler, ownsScheduler, ownsModel);
        _metadata = new EmbeddingGeneratorMetadata(
            "dolmen", defaultModelId: served.Name, defaultModelDimensions: served.Model.HiddenSize);
    }

    /// <summary>Opens a model folder, a finished run or a GGUF file.</summary>
    /// <param name="threads">All cores when left out.</param>
    /// <param name="precision">How the matrices are kept in memory.</param>
    /// <exception cref="UserErrorException">The path holds no model, or one that is damaged or not supported.</exception>
    public static DolmenEmbeddingGenerator Load(
        string model, int? threads = null, WeightPrecision precision = WeightPrecision.Stored)
    {
        var (loaded, tokenizer) = ModelFolder.Load(model, threads, precision);
        var served = new ServedModel(ServedModel.NameOf(model), loaded, tokenizer) { Folder = ModelFolder.Locate(model) };
        return new DolmenEmbeddingGenerator(served, Started(served), ownsScheduler: true, ownsModel: true);
    }

    /// <exception cref="NotSupportedException">An option cannot be honoured.</exception>
    /// <exception cref="UserErrorException">A text does not fit the context, or an option is out of its range.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        string[] texts = [.. values];
        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        if (texts.Length == 0) return embeddings;
        var request = Read(texts, options);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var running = request.Inputs
                .Select(input => _scheduler.Submit(request.TextOf(input), abandoned.Token)).ToList();
            foreach (var text in running)
            {
                var result = await text.Result.ConfigureAwait(false);
                embeddings.Add(new Embedding<float>(EmbeddingVector.Normalized(result.Pooled, request.Dimensions))
                {
                    CreatedAt = DateTimeOffset.UtcNow, ModelId = _served.Name,
                });
            }
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);         // where one failed the others are for nobody
        }
        var tokens = request.Inputs.Sum(input => input.Tokens.Length);
        embeddings.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
        return embeddings;
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(EmbeddingGeneratorMetadata)) return _metadata;
        if (serviceType == typeof(Tokenizer)) return _served.Tokenizer;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    public void Dispose()
    {
        if (_ownsScheduler) _scheduler.Dispose();
        if (_ownsModel) _served.Model.Dispose();
    }

    private static Scheduler Started(ServedModel served)
    {
        var scheduler = new Scheduler(served.Model, served.Tokenizer, new SchedulerOptions());
        scheduler.Start();
        return scheduler;
    }

    /// <summary>By way of the body of <c>/v1/embeddings</c>, so that both ways into a model mean the same.</summary>
    private EmbeddingRequest Read(string[] texts, EmbeddingGenerationOptions? options)
    {
        var body = new JsonObject { ["input"] = new JsonArray([.. texts.Select(text => (JsonNode)text)]) };
        if (options?.Dimensions is { } dimensions) body["dimensions"] = dimensions;
        foreach (var (name, value) in options?.AdditionalProperties ?? [])
            body[name] = JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions);
        try
        {
            return EmbeddingRequest.Of(JsonSerializer.SerializeToElement(body, ServingJson.Default.JsonObject), _served);
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
}
