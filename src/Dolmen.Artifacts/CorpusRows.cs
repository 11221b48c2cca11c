using System.Text.Json.Serialization;

namespace Dolmen.Artifacts;

/// <summary>One line of <see cref="CorpusFolder.HeldOut"/>: an entry rendered as a section of a training document is, or a whole
/// document.</summary>
public sealed record HeldOutText(string Id, string Text);

/// <summary>One line of <see cref="CorpusFolder.MultipleChoice"/>. <paramref name="Seen"/>: the right summary also occurs, word for word,
/// in training text.</summary>
public sealed record MultipleChoiceItem(string Id, string Query, IReadOnlyList<string> Choices, int Gold, bool Seen);

/// <summary>One line of <see cref="CorpusFolder.FewShot"/>.</summary>
public sealed record FewShotExample(string Query, string Answer);

/// <summary>One line of <see cref="CorpusFolder.Invented"/>: a question about a name that no document holds.</summary>
public sealed record InventedQuestion(string Prompt, string Name);

/// <summary>One line of <see cref="CorpusFolder.Known"/>.</summary>
public sealed record KnownQuestion(string Prompt, string Answer);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(HeldOutText))]
[JsonSerializable(typeof(MultipleChoiceItem))]
[JsonSerializable(typeof(FewShotExample))]
[JsonSerializable(typeof(InventedQuestion))]
[JsonSerializable(typeof(KnownQuestion))]
public sealed partial class CorpusRowJson : JsonSerializerContext;
