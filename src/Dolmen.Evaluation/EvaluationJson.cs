using System.Text.Json.Serialization;

namespace Dolmen.Evaluation;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(QuestionResult))]
[JsonSerializable(typeof(ModelQuestion))]
[JsonSerializable(typeof(ModelAnswer))]
[JsonSerializable(typeof(ModelSample))]
[JsonSerializable(typeof(EvalTask))]
[JsonSerializable(typeof(TaskEntry[]))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
