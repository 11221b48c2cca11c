using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Tokenization;

namespace Dolmen.Data;

/// <summary>One line of <c>heldout.jsonl</c>: an entry rendered as a section of a training document is.</summary>
public sealed record HeldOutText(string Id, string Text);

/// <summary>One line of <c>multiple-choice.jsonl</c>. <paramref name="Seen"/>: the right summary also occurs, word for word, in training
/// text.</summary>
public sealed record MultipleChoiceItem(string Id, string Query, IReadOnlyList<string> Choices, int Gold, bool Seen);

/// <summary>One line of <c>few-shot.jsonl</c>.</summary>
public sealed record FewShotExample(string Query, string Answer);

/// <summary>One line of <c>invented.jsonl</c>.</summary>
public sealed record InventedQuestion(string Prompt, string Name);

/// <summary>One line of <c>known.jsonl</c>.</summary>
public sealed record KnownQuestion(string Prompt, string Answer);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HeldOutText))]
[JsonSerializable(typeof(MultipleChoiceItem))]
[JsonSerializable(typeof(FewShotExample))]
[JsonSerializable(typeof(InventedQuestion))]
[JsonSerializable(typeof(KnownQuestion))]
[JsonSerializable(typeof(Conversation))]
[JsonSerializable(typeof(PreferencePair))]
internal sealed partial class CorpusJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CorpusReport))]
internal sealed partial class CorpusReportJson : JsonSerializerContext;
