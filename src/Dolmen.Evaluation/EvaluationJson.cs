using System.Text.Json.Serialization;

namespace Dolmen.Evaluation;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(QuestionResult))]
[JsonSerializable(typeof(ModelQuestion))]
[JsonSerializable(typeof(ModelAnswer))]
[JsonSerializable(typeof(EvalTask))]
[JsonSerializable(typeof(TaskEntry[]))]
[JsonSerializable(typeof(HeldOutDocument))]
[JsonSerializable(typeof(ChoiceQuestion))]
[JsonSerializable(typeof(SolvedExample))]
[JsonSerializable(typeof(InventedPrompt))]
[JsonSerializable(typeof(KnownPrompt))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
