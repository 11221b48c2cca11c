using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Inference.Constraints;
using Dolmen.Retrieval;
using Dolmen.Serving.Tools;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>A checked request to <c>/v1/completions</c> or <c>/v1/chat/completions</c>.</summary>
/// <param name="Model">The name it was asked for by.</param>
/// <param name="Prompts">Each is answered <paramref name="Choices"/> times.</param>
/// <param name="Logprobs">How many of the likeliest tokens are reported beside each; null reports none.</param>
/// <param name="Echo">The answer begins with the prompt.</param>
internal sealed record CompletionRequest(
    bool Chat,
    string Model,
    IReadOnlyList<Prompt> Prompts,
    int Choices,
    GenerationOptions Generation,
    int? Logprobs,
    bool Echo,
    bool Stream,
    bool IncludeUsage
)
{
    private const int MaxStops = GenerationOptions.MaxStops, MostChoices = 128, MostLogprobs = 20;

    /// <summary>OpenAI's clients may send 0 for "the likeliest token only": so small a share says the same.</summary>
    private const double SmallestTopP = 1e-6;

    private const double LeastPenalty = 0.01, MostPenalty = 100;

    /// <summary>What the model may call; null where its answer is text.</summary>
    public ToolUse? Tools { get; init; }

    /// <summary>Passages of documents that stand in the prompt; null where none were looked for.</summary>
    public CitedPassages? Passages { get; init; }

    /// <summary>Answers to each prompt that are written, of which the best are returned.</summary>
    public int Candidates { get; init; } = Choices;

    /// <summary>A stream ends with how long prompt and answer took.</summary>
    public bool IncludeTimings { get; init; }

    /// <summary>The options of one answer: its own seed, counted from that of the request.</summary>
    public GenerationOptions OptionsOf(int choice) => choice == 0 ? Generation
        : Generation with { Sampling = Generation.Sampling with { Seed = unchecked(Generation.Sampling.Seed + (ulong)choice) } };

    /// <exception cref="ApiErrorException">A field is wrong or not known.</exception>
    public static CompletionRequest Of(JsonElement body, ServedModel served, bool chat, ulong defaultSeed)
    {
        if (body.ValueKind != JsonValueKind.Object) throw ApiErrorException.Invalid("The request body must be a JSON object.");
        var fields = new RequestFields(body);
        var model = fields.Text("model") ?? served.Name;
        if (!served.AnswersTo(model)) throw UnknownModel(model, served);
        RequestTable.Check(body, chat ? Endpoints.Chat : Endpoints.Completions);

        var tools = chat ? ToolField.Read(fields, served) : null;
        var (chatPrompt, passages) = chat ? OpenBookChat.Read(fields, served, tools) : default;
        var prompts = chatPrompt is not null ? [chatPrompt] : TextPrompts.Read(fields, served);
        var choices = (int)(fields.Integer("n", 1, MostChoices) ?? 1);
        var stream = fields.Flag("stream") ?? false;
        var candidates = chat ? choices : BestOf.Read(fields, choices, stream, MostChoices);
        served.Limits.Check(prompts, candidates);
        var echo = !chat && (fields.Flag("echo") ?? false);
        var logprobs = chat ? ChatLogprobs(fields) : TextLogprobs(fields);
        var (maxTokens, asked) = MaxTokens(fields, served, chat, echo, prompts, passages?.Count ?? 0);
        var ignoreEnds = fields.Flag("ignore_eos") ?? false;
        string[] stops = [.. fields.Texts("stop", MaxStops) ?? [], .. ignoreEnds ? [] : served.Defaults.Stops];
        var generation = new GenerationOptions(Sampling(fields, served, defaultSeed), maxTokens, stops)
        {
            StopTokens = fields.Ids("stop_token_ids", served.Tokenizer.VocabSize),
            MinTokens = MinTokens(fields, served, maxTokens, asked),
            IgnoreEnds = ignoreEnds,
            ShowStop = fields.Flag("include_stop_str_in_output") ?? false,
            ShowSpecial = !(fields.Flag("skip_special_tokens") ?? true),
            Constraint = Form(ConstraintField.Read(fields, served), tools),
            Logprobs = logprobs,
            ScorePrompt = echo && logprobs is not null,
        };
        if (maxTokens > 0 || generation.ScorePrompt)
            generation.Validate();
        if (candidates > choices) generation = generation with { Logprobs = logprobs ?? 0 };         // they are chosen by them
        return new CompletionRequest(
            chat,
            model,
            prompts,
            choices,
            generation,
            logprobs,
            echo,
            stream,
            stream && StreamOption(fields, "include_usage")
        )
        {
            Candidates = candidates,
            Tools = tools,
            Passages = passages,
            IncludeTimings = stream && StreamOption(fields, "include_timings"),
        };
    }

    /// <summary>An answer that must be a call has the form of the call.</summary>
    private static TextConstraint? Form(TextConstraint? asked, ToolUse? tools) => asked is not null && tools?.Constraint is not null
        ? throw ApiErrorException.Invalid("'tool_choice' asks for a call, which has a form of its own: leave the other form out.",
            "tool_choice")
        : asked ?? tools?.Constraint;

    private static ApiErrorException UnknownModel(string model, ServedModel served) =>
        new(
            StatusCodes.Status404NotFound,
            new ApiError(
                $"The model '{model}' does not exist here: this server has '{served.Name}'.",
                "invalid_request_error",
                "model",
                "model_not_found"
            )
        );

    /// <summary>How many tokens to generate, and whether the request says so.</summary>
    private static (int Tokens, bool Asked) MaxTokens(
        RequestFields fields, ServedModel served, bool chat, bool echo, IReadOnlyList<Prompt> prompts, int passages)
    {
        var asked = (chat ? fields.Integer("max_completion_tokens", 1, int.MaxValue) : null)
            ?? fields.Integer("max_tokens", echo ? 0 : 1, int.MaxValue);
        var context = served.Model.Config.ContextLength;
        var longest = prompts.Max(prompt => prompt.Tokens.Length);
        if (longest > context || (longest == context && asked != 0))
        {
            throw ApiErrorException.Invalid($"This model's context is {context} tokens, but the " +
                $"{(chat ? "messages hold" : "prompt holds")} {longest}: " +
                $"leave room for at least one. Shorten them{(passages > 0 ? ", or leave documents out with 'documents': false" : "")}.",
                chat ? "messages" : "prompt", "context_length_exceeded");
        }
        var tokens = asked ?? served.Defaults.MaxTokens ?? (chat ? context - longest : 16);
        return ((int)Math.Min(tokens, prompts.Count == 1 ? context - longest : context), asked is not null);
    }

    private static int MinTokens(RequestFields fields, ServedModel served, int maxTokens, bool asked)
    {
        if (fields.Integer("min_tokens", 0, int.MaxValue) is not { } tokens)
            return Math.Min(served.Defaults.MinTokens, maxTokens);
        return tokens <= maxTokens
            ? (int)tokens
            : throw ApiErrorException.Invalid(
                $"'min_tokens' is {tokens} but at most {maxTokens} tokens are "
                    + (asked ? "generated: raise max_tokens or shorten the prompt." : "generated: set max_tokens."),
                "min_tokens"
            );
    }

    private static SamplingOptions Sampling(RequestFields fields, ServedModel served, ulong defaultSeed)
    {
        var defaults = served.Defaults;
        return new SamplingOptions(
            Temperature: fields.Number("temperature", defaults.Temperature, 0, 2),
            TopK: (int)Math.Max(0, fields.Integer("top_k", -1, int.MaxValue) ?? defaults.TopK),
            TopP: Math.Max(SmallestTopP, fields.Number("top_p", defaults.TopP, 0, 1)), MinP: fields.Number("min_p", defaults.MinP, 0, 1),
            Seed: unchecked((ulong?)fields.Integer("seed", long.MinValue, long.MaxValue)) ?? defaultSeed)
        {
            RepetitionPenalty = fields.Number("repetition_penalty", defaults.RepetitionPenalty, LeastPenalty, MostPenalty),
            PresencePenalty = fields.Number("presence_penalty", 0, -2, 2),
            FrequencyPenalty = fields.Number("frequency_penalty", 0, -2, 2),
            Bias = fields.Bias("logit_bias", served.Tokenizer.VocabSize),
            TypicalP = fields.Number("typical_p", defaults.TypicalP, SmallestTopP, 1),
            Dry = Dry(fields, served),
            Suppressed = defaults.Suppressed,
        };
    }

    private static DryOptions? Dry(RequestFields fields, ServedModel served)
    {
        var multiplier = fields.Number("dry_multiplier", 0, 0, 100);
        var (power, allowed) = (fields.Number("dry_base", 1.75, 1, 100), fields.Integer("dry_allowed_length", 1, int.MaxValue) ?? 2);
        var window = fields.Integer("dry_penalty_last_n", -1, int.MaxValue) ?? -1;
        var breakers = fields["dry_sequence_breakers"] is null ? DryOptions.DefaultBreakers
            : fields.Texts("dry_sequence_breakers", MaxStops);
        if (multiplier == 0) return null;
        return new DryOptions(multiplier, power, (int)allowed, (int)window) { Breakers =
            DryOptions.BreakersOf(served.Tokenizer, breakers) };
    }

    private static int? ChatLogprobs(RequestFields fields)
    {
        var top = fields.Integer("top_logprobs", 0, MostLogprobs);
        if (fields.Flag("logprobs") ?? false) return (int)(top ?? 0);
        return top is null or 0 ? null : throw ApiErrorException.Invalid("'top_logprobs' needs 'logprobs' to be true.", "top_logprobs");
    }

    private static int? TextLogprobs(RequestFields fields) =>
        fields["logprobs"] is { ValueKind: JsonValueKind.False } ? null : (int?)fields.Integer("logprobs", 0, MostLogprobs);

    private static bool StreamOption(RequestFields fields, string name)
    {
        if (fields["stream_options"] is not { } value) return false;
        if (value.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong("stream_options", "an object", value);
        foreach (var option in value.EnumerateObject())
        {
            // Obfuscation only adds padding against listeners.
            if (
                option.Name is "include_usage" or "include_timings" or "include_obfuscation"
                || option.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False
            )
                continue;
            throw ApiErrorException.Invalid(
                $"'stream_options.{option.Name}' is not supported: only include_usage and include_timings are.",
                "stream_options." + option.Name,
                "unsupported_parameter"
            );
        }
        return new RequestFields(value).Flag(name) ?? false;
    }
}
