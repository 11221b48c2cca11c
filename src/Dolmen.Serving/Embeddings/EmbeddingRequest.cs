using System.Text.Json;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Serving.Embeddings;

/// <summary>A checked request to <c>/v1/embeddings</c>.</summary>
/// <param name="Model">The name it was asked for by.</param>
/// <param name="Inputs">Each becomes one vector.</param>
/// <param name="Dimensions">Numbers of a vector that are kept, the first ones; null keeps all.</param>
internal sealed record EmbeddingRequest(
    string Model, IReadOnlyList<Prompt> Inputs, Pooling Pooling, int? Dimensions, bool Base64)
{
    /// <summary>As OpenAI's.</summary>
    private const int MostInputs = 2048;

    /// <exception cref="ApiErrorException">A field is wrong or not known, or the model has no embeddings.</exception>
    public static EmbeddingRequest Of(JsonElement body, ServedModel served)
    {
        RequestTable.Check(body, Endpoints.Embeddings);
        if (served.Model.HiddenSize == 0)
        {
            throw ApiErrorException.Invalid(
                $"'{served.Name}' has no embeddings: it is not a decoder. Name a language model that continues texts.", "model");
        }
        var fields = new RequestFields(body);
        var inputs = TextPrompts.Read(fields, served, "input", closes: true);
        if (inputs.Count > MostInputs)
            throw ApiErrorException.Invalid($"'input' holds {inputs.Count} texts: at most {MostInputs} are taken at once.", "input");
        served.Limits.CheckLengths(inputs, "input");
        foreach (var (i, input) in inputs.Index())
        {
            if (input.Tokens.Length <= served.Model.Config.ContextLength) continue;
            throw ApiErrorException.Invalid(
                $"This model's context is {served.Model.Config.ContextLength} tokens, but input {i} holds {input.Tokens.Length}: shorten " +
                "it, or cut it into parts.", "input", "context_length_exceeded");
        }
        return new EmbeddingRequest(
            fields.Text("model") ?? served.Name, inputs, PoolingOf(fields, served),
            (int?)fields.Integer("dimensions", 1, served.Model.HiddenSize),
            fields.Choice("encoding_format", "float", "base64") == "base64");
    }

    /// <summary>What the engine is asked for.</summary>
    public GenerationRequest TextOf(Prompt input) =>
        new(input.Tokens, new GenerationOptions(SamplingOptions.Greedy, MaxTokens: 0) { Pooling = Pooling });

    private static Pooling PoolingOf(RequestFields fields, ServedModel served) => fields.Choice("pooling", "mean", "last") switch
    {
        "mean" => Pooling.Mean,
        "last" => Pooling.Last,
        _ => served.Pooling,
    };
}
