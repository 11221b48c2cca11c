using System.Text.Json.Serialization;

namespace Dolmen.Evaluation;

/// <summary>A question with the answer that a model gave from passages, for people to read.</summary>
/// <param name="Set"><c>held-out</c> or <c>invented</c>.</param>
/// <param name="Field">What was asked for; empty where the name does not exist.</param>
/// <param name="Good">An exact match; of an invented name: declined.</param>
public sealed record AnswerSample(
    [property: JsonPropertyName("set")] string Set,
    [property: JsonPropertyName("field")] string Field,
    [property: JsonPropertyName("question")] string Question,
    [property: JsonPropertyName("answer")] string Answer,
    [property: JsonPropertyName("right")] string Right,
    [property: JsonPropertyName("good")] bool Good,
    [property: JsonPropertyName("f1")] double F1,
    [property: JsonPropertyName("refused")] bool Refused,
    [property: JsonPropertyName("sources")] IReadOnlyList<SampleSource> Sources
);

/// <summary>A passage that the model read with a question.</summary>
/// <param name="Right">Whether it is the passage that the question was made of.</param>
public sealed record SampleSource(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("title")] string Title,
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("right")] bool Right
);
