using System.Text.Json.Serialization;

namespace Dolmen.Retrieval;

/// <summary>A question about a held-out entry, to measure reading by. One line of a corpus's <c>open-book.jsonl</c>.</summary>
/// <param name="Id">The passage that answers it.</param>
/// <param name="Field">What is asked for: summary, which, returns, exceptions or parameters.</param>
/// <param name="Passages">The one that answers it among others close to it, in the order in which a model reads them.</param>
public sealed record OpenBookItem(string Id, string Field, string Question, string Answer, IReadOnlyList<Passage> Passages);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(OpenBookItem))]
public sealed partial class OpenBookJson : JsonSerializerContext;
