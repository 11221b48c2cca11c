using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference;
using Dolmen.Tokenization;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>A checked request to <c>/v1/completions</c> or <c>/v1/chat/completions</c>.</summary>
internal sealed record CompletionRequest(bool Chat, int[] Prompt, GenerationOptions Generation, bool Stream, bool IncludeUsage)
{
    private const int MaxStops = 16;

    /// <summary>OpenAI's clients may send 0 for "the likeliest token only": so small a share says the same.</summary>
    private const double SmallestTopP = 1e-6;

    public static async Task<CompletionRequest> Read(HttpContext http, ServedModel served, bool chat, ulong defaultSeed)
    {
        // Browsers may post other content types to any address without asking: this keeps web pages from using a local server.
        if (!http.Request.HasJsonContentType())
        {
            throw ApiErrorException.Refused(StatusCodes.Status415UnsupportedMediaType,
                "The request needs the header 'Content-Type: application/json'.");
        }
        try
        {
            using var document = await JsonDocument.ParseAsync(http.Request.Body, new JsonDocumentOptions { MaxDepth = 16 },
                http.RequestAborted);
            return Of(document.RootElement, served, chat, defaultSeed);
        }
        catch (JsonException error)
        {
            throw ApiErrorException.Invalid($"The request body is not valid JSON: {error.Message}");
        }
    }

    private static CompletionRequest Of(JsonElement body, ServedModel served, bool chat, ulong defaultSeed)
    {
        if (body.ValueKind != JsonValueKind.Object) throw ApiErrorException.Invalid("The request body must be a JSON object.");
        var fields = new RequestFields(body);
        if (fields.Text("model") is { } model && model != served.Name)
        {
            throw new ApiErrorException(StatusCodes.Status404NotFound,
                new ApiError($"The model '{model}' does not exist here: this server has '{served.Name}'.", "invalid_request_error",
                    "model", "model_not_found"));
        }
        RefuseUnsupported(fields, chat);

        var prompt = chat ? ChatPrompt(fields, served) : TextPrompt(fields, served);
        var context = served.Model.Config.ContextLength;
        if (prompt.Length >= context)
        {
            throw ApiErrorException.Invalid($"This model's context is {context} tokens, but the " +
                $"{(chat ? "messages hold" : "prompt holds")} {prompt.Length}: " +
                "leave room for at least one. Shorten them.", chat ? "messages" : "prompt", "context_length_exceeded");
        }
        var room = context - prompt.Length;
        var asked = (chat ? fields.Integer("max_completion_tokens", 1, int.MaxValue) : null) ?? fields.Integer("max_tokens", 1,
            int.MaxValue);
        var maxTokens = (int)Math.Min(asked ?? (chat ? room : 16), room);
        var sampling = new SamplingOptions(
            Temperature: fields.Number("temperature", 1, 0, 2),
            TopK: (int)Math.Max(0, fields.Integer("top_k", -1, int.MaxValue) ?? 0),
            TopP: Math.Max(SmallestTopP, fields.Number("top_p", 1, 0, 1)), MinP: fields.Number("min_p", 0, 0, 1),
            Seed: unchecked((ulong?)fields.Integer("seed", long.MinValue, long.MaxValue)) ?? defaultSeed);
        var stream = fields.Flag("stream");
        var generation = new GenerationOptions(sampling, maxTokens, fields.Texts("stop", MaxStops));
        try
        {
            generation.Validate();
        }
        catch (UserErrorException error)
        {
            throw ApiErrorException.Invalid(error.Message, null);
        }
        return new CompletionRequest(chat, prompt, generation, stream, stream && IncludesUsage(fields));
    }

    private static bool IncludesUsage(RequestFields fields) => fields["stream_options"] switch
    {
        null => false,
        { ValueKind: JsonValueKind.Object } options => new RequestFields(options).Flag("include_usage"),
        { } value => throw RequestFields.Wrong("stream_options", "an object", value),
    };

    private static void RefuseUnsupported(RequestFields fields, bool chat)
    {
        fields.Refuse("n", IsNumber(1), "this server writes one choice a request; send the request again with another seed.");
        fields.Refuse("best_of", IsNumber(1), "this server writes one choice a request.");
        fields.Refuse("logprobs", value => value.ValueKind == JsonValueKind.False, "this server does not report log-probabilities.");
        fields.Refuse("top_logprobs", IsNumber(0), "this server does not report log-probabilities.");
        fields.Refuse("echo", value => value.ValueKind == JsonValueKind.False, "the prompt is not repeated in the answer.");
        fields.Refuse("suffix", value => value.ValueKind == JsonValueKind.String && value.GetRawText() == "\"\"",
            "the model writes on, it does not fill in.");
        fields.Refuse("presence_penalty", IsNumber(0), "there are no penalties here; use temperature, top_p or min_p.");
        fields.Refuse("frequency_penalty", IsNumber(0), "there are no penalties here; use temperature, top_p or min_p.");
        fields.Refuse("logit_bias", value => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any(),
            "logits cannot be biased.");
        if (!chat) return;
        fields.Refuse("tools", value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0, "the model calls no tools.");
        fields.Refuse("functions", value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0,
            "the model calls no functions.");
        fields.Refuse("response_format", value => value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.String && type.ValueEquals("text"), "only plain text is written.");
    }

    private static Func<JsonElement, bool> IsNumber(double neutral) =>
        value => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == neutral;

    private static int[] TextPrompt(RequestFields fields, ServedModel served)
    {
        if (fields["prompt"] is not { } prompt)
        {
            throw ApiErrorException.Invalid("'prompt' is missing: it must be a string or an array of token ids.", "prompt");
        }
        if (prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() == 1
            && prompt[0].ValueKind is JsonValueKind.String or JsonValueKind.Array)
        {
            prompt = prompt[0];
        }
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return served.Tokenizer.EncodePrompt(RequestFields.Unicode("prompt", prompt));
        }
        if (prompt.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("prompt", "a string or an array of token ids", prompt);
        if (prompt.GetArrayLength() == 0)
        {
            throw ApiErrorException.Invalid("'prompt' is an empty array: it needs at least one token id.", "prompt");
        }
        if (prompt[0].ValueKind is JsonValueKind.String or JsonValueKind.Array)
        {
            throw ApiErrorException.Invalid("'prompt' has several prompts: send one a request.", "prompt");
        }
        return [.. prompt.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0 && id < served.Tokenizer.VocabSize
                ? id : throw RequestFields.Wrong("prompt", $"made of token ids from 0 to {served.Tokenizer.VocabSize - 1}", item))];
    }

    private static int[] ChatPrompt(RequestFields fields, ServedModel served)
    {
        if (fields["messages"] is not { } messages)
        {
            throw ApiErrorException.Invalid("'messages' is missing: it must be an array of {role, content}.", "messages");
        }
        if (messages.ValueKind != JsonValueKind.Array) throw RequestFields.Wrong("messages", "an array of {role, content}", messages);
        if (messages.GetArrayLength() == 0)
        {
            throw ApiErrorException.Invalid("'messages' is empty: it needs at least one message.", "messages");
        }
        ChatMessage[] turns = [.. messages.EnumerateArray().Select(Message)];
        try
        {
            return ChatFormat.TokenizePrompt(served.Tokenizer, turns);
        }
        catch (UserErrorException error)
        {
            // The model's chat template refuses the conversation, or it has none.
            throw ApiErrorException.Invalid(error.Message, "messages");
        }
    }

    private static ChatMessage Message(JsonElement message, int index)
    {
        var name = $"messages[{index}]";
        if (message.ValueKind != JsonValueKind.Object) throw RequestFields.Wrong(name, "an object with role and content", message);
        var fields = new RequestFields(message);
        var role = fields.Text("role") switch
        {
            "system" or "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            var other => throw ApiErrorException.Invalid($"'{name}.role' must be system, user or assistant, not " +
                $"{(other is null ? "left out" : $"'{other}'")}.", name + ".role"),
        };
        return new ChatMessage(role, Content(fields["content"], name + ".content"));
    }

    private static string Content(JsonElement? content, string name) => content switch
    {
        { ValueKind: JsonValueKind.String } text => RequestFields.Unicode(name, text),
        { ValueKind: JsonValueKind.Array } parts => string.Concat(parts.EnumerateArray().Select(part =>
            part.ValueKind == JsonValueKind.Object && new RequestFields(part) is var fields && fields.Text("type") == "text"
                && fields.Text("text") is { } text
                ? text : throw ApiErrorException.Invalid($"'{name}' may hold only parts of type text.", name))),
        null => throw ApiErrorException.Invalid($"'{name}' is missing: it must be a string.", name),
        { } value => throw RequestFields.Wrong(name, "a string", value),
    };
}
