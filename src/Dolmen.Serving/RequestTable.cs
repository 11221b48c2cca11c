using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Serving;

internal enum Treatment
{
    Honoured,

    /// <summary>Without effect on the answer: taken and left unread.</summary>
    Ignored,

    /// <summary>Answered with an error unless it says what happens anyway.</summary>
    Refused,
}

/// <param name="Endpoints">The endpoints that know it under this treatment.</param>
/// <param name="Note">Of a refused field: why; of the others, what is to be known, empty where its name says it.</param>
/// <param name="Neutral">Values of a refused field that change nothing; each a JSON text.</param>
internal sealed record RequestField(string Name, Treatment Treatment, Endpoints Endpoints, string Note, params string[] Neutral);

[Flags]
internal enum Endpoints
{
    Chat = 1,
    Completions = 2,
    Both = Chat | Completions,
    Responses = 4,

    /// <summary>Those that generate.</summary>
    Texts = Both | Responses,
    Embeddings = 8,
    All = Texts | Embeddings,
}

/// <summary>Every field that clients are known to send. One that is not here is refused by name: nothing is left out silently.</summary>
internal static class RequestTable
{
    private const string OneAnswer = "there is no search for the best answer here; ask for 'n' answers and choose";
    private const string NothingStored = "nothing is stored: send the conversation so far as 'input'";
    private const string OldTools = "it is called 'tools' and 'tool_choice' now";

    public static IReadOnlyList<RequestField> All { get; } =
    [
        Honoured("model", Endpoints.All, "a served name or an alias; may be left out where there is one model"),
        Honoured(
            "messages",
            Endpoints.Chat,
            "text only; calls of tools and their results are read as text; `content` may be null beside `refusal` or `tool_calls`"
        ),
        Honoured("prompt", Endpoints.Completions, "a string, token ids, or a list of either"),
        Honoured("input", Endpoints.Responses, "a string, or items: messages with parts of text, `function_call`, `function_call_output`"),
        Honoured("instructions", Endpoints.Responses, "a system message before the input"),
        Honoured("input", Endpoints.Embeddings, "a string, token ids, or a list of either, at most 2,048"),
        Honoured("dimensions", Endpoints.Embeddings, "the first numbers of each vector, normalised again"),
        Honoured("encoding_format", Endpoints.Embeddings, "`float`, or `base64` of little-endian float32"),
        Honoured("pooling", Endpoints.Embeddings, "`mean` or `last`; what the model's files say when left out, or else `mean`"),
        Honoured("max_tokens", Endpoints.Both, "16 for completions, what the context holds for chats; 0 only with `echo`"),
        Honoured("max_completion_tokens", Endpoints.Chat, "goes before `max_tokens`"),
        Honoured("max_output_tokens", Endpoints.Responses, "what the context holds when left out"),
        Honoured("min_tokens", Endpoints.Texts, "nothing ends the answer before"),
        Honoured("temperature", Endpoints.Texts, "0 to 2; 0 takes the likeliest token"),
        Honoured("top_p", Endpoints.Texts), Honoured("top_k", Endpoints.Texts, "0 or -1 for all"), Honoured("min_p", Endpoints.Texts),
        Honoured("typical_p", Endpoints.Texts, "above 0, at most 1"),
        Honoured("repetition_penalty", Endpoints.Texts, "counts prompt and answer"),
        Honoured("presence_penalty", Endpoints.Texts, "-2 to 2; counts the answer"),
        Honoured("frequency_penalty", Endpoints.Texts, "-2 to 2; counts the answer"),
        Honoured("dry_multiplier", Endpoints.Texts, "0 (off) to 100; as llama.cpp's, like the next four"),
        Honoured("dry_base", Endpoints.Texts), Honoured("dry_allowed_length", Endpoints.Texts),
        Honoured("dry_penalty_last_n", Endpoints.Texts, "-1 for the whole text"), Honoured("dry_sequence_breakers", Endpoints.Texts),
        Honoured("logit_bias", Endpoints.Texts, "token ids to -100…100; -100 never draws the token"),
        Honoured("seed", Endpoints.Texts, "equal requests with equal seeds get equal answers; answer i of `n` uses seed + i"),
        Honoured("n", Endpoints.Both, "1 to 128"),
        Honoured("best_of", Endpoints.Completions,
            "`n` to 128: so many answers are written and the `n` likeliest, per token, returned; all count as usage; not with `stream`"),
        Honoured("stop", Endpoints.Texts, "at most 16 strings"), Honoured("stop_token_ids", Endpoints.Texts, "beside the model's own ends"),
        Honoured("include_stop_str_in_output", Endpoints.Texts),
        Honoured("ignore_eos", Endpoints.Texts, "the model's own ends do not end the answer"),
        Honoured("skip_special_tokens", Endpoints.Texts, "true when left out"),
        Honoured("stream", Endpoints.Texts),
        Honoured("stream_options", Endpoints.Texts, "`include_usage`; `include_timings` adds llama.cpp's `timings` to the last chunk"),
        Honoured("tools", Endpoints.Chat | Endpoints.Responses,
            "functions, given to the model by its chat template; calls are read from its answer"),
        Honoured("tool_choice", Endpoints.Chat | Endpoints.Responses,
            "`none`, `auto`, `required` or one function; a call asked for is always valid"),
        Honoured("parallel_tool_calls", Endpoints.Chat | Endpoints.Responses, "false: at most one call, where a call is asked for"),
        Honoured("response_format", Endpoints.Both, "`text`, `json_object`, `json_schema`; the answer is valid whatever the model is"),
        Honoured("text", Endpoints.Responses, "`format`: as `response_format`, its schema in `text.format.schema`"),
        Honoured("structured_outputs", Endpoints.Texts, "one of `json`, `json_object`, `regex`, `choice`, `grammar`, as vLLM's"),
        Honoured("guided_json", Endpoints.Texts, "a schema"), Honoured("guided_regex", Endpoints.Texts),
        Honoured("guided_choice", Endpoints.Texts, "a list of texts"), Honoured("guided_grammar", Endpoints.Texts, "as `grammar`"),
        Honoured("grammar", Endpoints.Texts, "llama.cpp's GBNF"), Honoured("json_schema", Endpoints.Texts, "as llama.cpp's"),
        Honoured("logprobs", Endpoints.Both, "completions: 0 to 20; chats: true or false"),
        Honoured("top_logprobs", Endpoints.Chat | Endpoints.Responses, "0 to 20, with `logprobs`"),
        Honoured("include", Endpoints.Responses, "`message.output_text.logprobs`"),
        Honoured("echo", Endpoints.Completions, "with `logprobs` the prompt is scored too, its first token with null"),
        Honoured("add_special_tokens", Endpoints.Completions | Endpoints.Embeddings, "false leaves out the token that begins a text"),
        Honoured("add_generation_prompt", Endpoints.Chat, "false leaves out the opening of the assistant's turn"),
        Honoured(DocumentsField.Name, Endpoints.Chat | Endpoints.Responses,
            "false: without the model's documents; `{\"count\": N}`: with up to N passages (1 to 20) in the prompt, 3 when left out"),
        Honoured("chat_template_kwargs", Endpoints.Chat | Endpoints.Responses, "names for the model's chat template"),
        Ignored("user", Endpoints.All),
        Ignored("store", Endpoints.Texts, "nothing is stored"),
        Ignored("metadata", Endpoints.Texts),
        Ignored("service_tier", Endpoints.Texts),
        Ignored("safety_identifier", Endpoints.Texts),
        Ignored("prompt_cache_key", Endpoints.Texts),
        Ignored("prompt_cache_retention", Endpoints.Texts),
        Ignored("prediction", Endpoints.Chat, "would only make it faster"),
        Ignored("priority", Endpoints.All, "first come, first served"),
        Ignored("request_id", Endpoints.All),
        Ignored("cache_salt", Endpoints.Texts),
        Ignored("cache_prompt", Endpoints.Texts),
        Ignored("spaces_between_special_tokens", Endpoints.Both),
        Ignored("include_reasoning", Endpoints.Chat),
        Refused("best_of", Endpoints.Chat, OneAnswer, "1"),
        Refused("use_beam_search", Endpoints.Both, OneAnswer, "false"),
        Refused("length_penalty", Endpoints.Both, OneAnswer, "1"),
        Refused("early_stopping", Endpoints.Both, OneAnswer, "false"),
        Refused("suffix", Endpoints.Completions, "the model writes on, it does not fill in", "\"\""),
        Refused("previous_response_id", Endpoints.Responses, NothingStored),
        Refused("conversation", Endpoints.Responses, NothingStored),
        Refused("prompt", Endpoints.Responses, "no prompts are kept here: send the text as 'input'"),
        Refused("background", Endpoints.Responses, "an answer goes to who waits for it", "false"),
        Refused("truncation", Endpoints.Responses, "a conversation is not cut; shorten it", "\"disabled\""),
        Refused("reasoning", Endpoints.Responses, "the effort cannot be set", "{}", "{\"effort\":\"none\"}"),
        Refused("max_tool_calls", Endpoints.Responses, "the server runs no tools of its own"),
        Refused("functions", Endpoints.Chat, OldTools, "[]"),
        Refused("function_call", Endpoints.Chat, OldTools, "\"none\"", "\"auto\""),
        Refused("guided_decoding_backend", Endpoints.Both, "there is one way to hold answers to a form", "\"auto\""),
        Refused("guided_whitespace_pattern", Endpoints.Both, "at most one space stands after a comma or a colon"),
        Refused("structural_tag", Endpoints.Both, "use 'grammar'"),
        Refused("modalities", Endpoints.Chat, "the model reads and writes text", """["text"]"""),
        Refused("audio", Endpoints.Chat, "the model reads and writes text"),
        Refused("mm_processor_kwargs", Endpoints.Both, "the model reads and writes text", "{}"),
        Refused("web_search_options", Endpoints.Chat, "the model searches nothing"),
        Refused(
            "reasoning_effort",
            Endpoints.Chat,
            "the effort cannot be set; a chat template may know it as a name in chat_template_kwargs",
            "\"none\""
        ),
        Refused("verbosity", Endpoints.Chat, "ask for length in the messages, or limit it by max_tokens", "\"medium\""),
        Refused("chat_template", Endpoints.Chat, "the model's own template is used; send other forms of text to /v1/completions"),
        Refused(
            "continue_final_message",
            Endpoints.Chat,
            "the answer is a message of its own; continue a text with /v1/completions",
            "false"
        ),
        Refused("echo", Endpoints.Chat, "the conversation is not repeated", "false"),
        Refused("add_special_tokens", Endpoints.Chat, "the chat template writes them", "false"),
        Refused("top_logprobs", Endpoints.Completions, "here 'logprobs' is the number of tokens", "0"),
        Refused("prompt_logprobs", Endpoints.Both, "use 'echo' with 'logprobs' at /v1/completions"),
        Refused("truncate_prompt_tokens", Endpoints.Both | Endpoints.Embeddings, "a prompt is not cut; shorten it"),
        Refused("allowed_token_ids", Endpoints.Both, "use 'logit_bias'"), Refused("bad_words", Endpoints.Both, "use 'logit_bias'", "[]"),
        Refused("logits_processors", Endpoints.Both, "the server runs no code of requests", "[]"),
        Refused("return_tokens_as_token_ids", Endpoints.Both, "tokens are reported as text", "false"),
        Refused("return_token_ids", Endpoints.Both, "tokens are reported as text", "false"),
        Refused("mirostat", Endpoints.Both, "use 'top_p' or 'min_p'", "0"),
        Refused("no_repeat_ngram_size", Endpoints.Both, "use 'repetition_penalty'", "0"),
        Refused("repeat_penalty", Endpoints.Both, "it is called 'repetition_penalty' here", "1"),
        Refused("max_new_tokens", Endpoints.Both, "it is called 'max_tokens' here"),
        Refused("max_completion_tokens", Endpoints.Completions, "it is called 'max_tokens' here"),
        Refused("n_predict", Endpoints.Both, "it is called 'max_tokens' here"),
        Refused("do_sample", Endpoints.Both, "it is temperature 0 for false here", "true"),
    ];

    /// <summary>Whether all of these endpoints do what the field says.</summary>
    public static bool IsHonoured(string name, Endpoints endpoints) =>
        All.Any(field => field.Name == name && field.Treatment == Treatment.Honoured && field.Endpoints.HasFlag(endpoints));

    /// <exception cref="ApiErrorException">A field that is refused, or that is not known.</exception>
    public static void Check(JsonElement body, Endpoints endpoint)
    {
        foreach (var member in body.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null) continue;      // clients send null for "the default"
            var field = All.FirstOrDefault(one => one.Name == member.Name && one.Endpoints.HasFlag(endpoint));
            if (field is null)
            {
                throw Unknown(member.Name, All.Where(one => one.Endpoints.HasFlag(endpoint) && one.Treatment == Treatment.Honoured)
                    .Select(one => one.Name));
            }
            if (field.Treatment != Treatment.Refused || field.Neutral.Any(neutral => Equals(member.Value, neutral))) continue;
            throw ApiErrorException.Invalid($"'{member.Name}' is not supported: {field.Note}.", member.Name, "unsupported_parameter");
        }
    }

    /// <summary>For an endpoint that knows these fields alone.</summary>
    /// <exception cref="ApiErrorException">A field that is not among them.</exception>
    public static void Check(JsonElement body, params IReadOnlyList<string> known)
    {
        foreach (var member in body.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Null && !known.Contains(member.Name, StringComparer.Ordinal))
                throw Unknown(member.Name, known);
        }
    }

    private static ApiErrorException Unknown(string name, IEnumerable<string> known)
    {
        var shown = name.Length <= 64 ? name : string.Concat(name.AsSpan(0, 64), "…");
        var near = NearestName.Of(name, known);
        return ApiErrorException.Invalid($"'{shown}' is not a field that this server knows, so it might change the answer: " +
            (near is null ? "leave it out." : $"did you mean '{near}'?"), shown, "unknown_parameter");
    }

    private static bool Equals(JsonElement value, string neutral)
    {
        using var wanted = JsonDocument.Parse(neutral);
        return JsonElement.DeepEquals(value, wanted.RootElement);
    }

    private static RequestField Honoured(string name, Endpoints endpoints, string note = "") =>
        new(name, Treatment.Honoured, endpoints, note);

    private static RequestField Ignored(string name, Endpoints endpoints, string note = "") =>
        new(name, Treatment.Ignored, endpoints, note);

    private static RequestField Refused(string name, Endpoints endpoints, string why, params string[] neutral) =>
        new(name, Treatment.Refused, endpoints, why, neutral);
}
