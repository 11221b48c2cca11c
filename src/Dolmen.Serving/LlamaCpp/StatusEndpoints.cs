using System.Collections.Concurrent;
using Dolmen.Inference;
using Dolmen.Tokenization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving.LlamaCpp;

/// <summary>llama.cpp's endpoints that say what the server is and what it is doing. Whoever watches them keeps no model from being dropped
/// when it is idle, and brings none back.</summary>
internal sealed class StatusEndpoints(ModelCatalog catalog)
{
    /// <summary>Of each model that was asked for, by its own name: what stays true of it when it is dropped.</summary>
    private readonly ConcurrentDictionary<string, ServerProps> _known = new(StringComparer.Ordinal);

    public void Map(WebApplication app)
    {
        string[] reading = [HttpMethods.Get, HttpMethods.Head];
        app.MapMethods("/props", reading, async http => await HttpAnswers.Json(http, await Props(http), ServingJson.Plain.ServerProps));
        app.MapMethods("/slots", reading, http => HttpAnswers.Json(http, Slots(http), ServingJson.Plain.Slots));
    }

    /// <summary>With several models, <c>?model=NAME</c> says which one is meant.</summary>
    private static string? NameIn(HttpContext http) => http.Request.Query["model"] is [{ Length: > 0 } name] ? name : null;

    /// <summary>A model is loaded for it only where nothing is known of it yet.</summary>
    private async Task<ServerProps> Props(HttpContext http)
    {
        var name = catalog.SourceOf(NameIn(http)).Name;
        var loaded = catalog.Loaded(name);
        if (loaded is null && _known.TryGetValue(name, out var known))
            return known with { State = known.State with { Bytes = 0, Cached = 0 } };
        using var lease = loaded ?? await catalog.Use(name, http.RequestAborted);
        return _known[name] = Props(lease);
    }

    /// <summary>A model that is not loaded has no slots.</summary>
    private IReadOnlyList<SlotEntry> Slots(HttpContext http)
    {
        using var lease = catalog.Loaded(NameIn(http));
        return lease is null ? [] : Slots(lease, http);
    }

    private static ServerProps Props(ModelLease lease)
    {
        var (served, options) = (lease.Served, lease.Engine.Options);
        var (config, tokenizer, state) = (served.Model.Config, served.Tokenizer, lease.Engine.Statistics);
        var defaults = served.Defaults;
        var sampling = new SamplingOptions(defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP)
        {
            TypicalP = defaults.TypicalP, RepetitionPenalty = defaults.RepetitionPenalty,
        };
        return new ServerProps(
            new DefaultSettings(Params(sampling, defaults.MaxTokens ?? -1, ignoresEnds: false, logprobs: null), config.ContextLength),
            options.MaxSequences, served.Name, served.Name, new Modalities(Vision: false, Audio: false), EndpointSlots: true,
            EndpointProps: false, EndpointMetrics: true, ChatFormat.SourceOf(tokenizer) ?? "", Name(tokenizer.Special.Bos),
            Name(tokenizer.Special.Eos), $"dolmen {typeof(StatusEndpoints).Assembly.GetName().Version?.ToString(3)}",
            new ModelMeta(config.VocabSize, config.ContextLength, config.Parameters,
                served.Model.WeightBytes > 0 ? served.Model.WeightBytes : null, config.Describe()),
            new StateMemory(state.StateBytes, state.CacheBytes, options.StateBytes));

        string Name(int token) => token >= 0 ? System.Text.Encoding.UTF8.GetString(tokenizer.BytesOf(token)) : "";
    }

    private static IReadOnlyList<SlotEntry> Slots(ModelLease lease, HttpContext http)
    {
        var (context, most) = (lease.Served.Model.Config.ContextLength, lease.Engine.Options.MaxSequences);
        var speculates = lease.Served.Speculation is not null;
        // Between two passes a text may just have taken the slot of one that is still shown.
        var running = lease.Engine.Running.DistinctBy(text => text.Slot).ToDictionary(text => text.Slot);
        if (http.Request.Query["fail_on_no_slot"] is [{ Length: > 0 }] && running.Count >= most)
        {
            throw new ApiErrorException(StatusCodes.Status503ServiceUnavailable,
                new ApiError($"All {most} slots are taken.", "server_error", null, "overloaded"));
        }
        return [.. Enumerable.Range(0, most).Select(slot => running.TryGetValue(slot, out var text) ? Taken(text, context, speculates)
            : new SlotEntry(slot, context, speculates, IsProcessing: false))];
    }

    private static SlotEntry Taken(RunningText text, int context, bool speculates) => new(
        text.Slot, context, speculates, IsProcessing: true)
    {
        IdTask = text.Number, NPromptTokens = text.PromptTokens,
        NPromptTokensProcessed = Math.Max(0, text.PromptComputed - text.CachedTokens), NPromptTokensCache = text.CachedTokens,
        Params = Params(text.Options.Sampling, text.Limit, text.Options.IgnoreEnds, text.Options.Logprobs),
        NextToken = [new SlotProgress(HasNextToken: true, text.Limit - text.Generated, text.Generated)],
    };

    private static SlotParams Params(SamplingOptions sampling, int maxTokens, bool ignoresEnds, int? logprobs)
    {
        var dry = sampling.Dry ?? new DryOptions(Multiplier: 0);
        return new SlotParams(
            sampling.Seed, sampling.Temperature, sampling.TopK, sampling.TopP, sampling.MinP, sampling.TypicalP,
            sampling.RepetitionPenalty, sampling.PresencePenalty, sampling.FrequencyPenalty, dry.Multiplier, dry.Base, dry.AllowedLength,
            dry.Window, maxTokens, maxTokens, ignoresEnds, logprobs ?? 0);
    }
}
