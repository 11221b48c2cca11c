using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Training;

namespace Dolmen.Pipeline.Recipes;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    AllowOutOfOrderMetadataProperties = true,
    Converters = [
        typeof(RecipeEnum<Dolmen.Modeling.Precision>),
        typeof(RecipeEnum<ScheduleKind>),
        typeof(RecipeEnum<Dolmen.Tokenization.LongRows>),
        typeof(RecipeEnum<Dolmen.Checkpoints.PositionKind>),
        typeof(RecipeEnum<Dolmen.Checkpoints.StateSpaceStart>),
        typeof(RecipeEnum<Dolmen.Checkpoints.Discretization>),
        typeof(RecipeEnum<Dolmen.Checkpoints.RecurrentCell>),
        typeof(RecipeEnum<Dolmen.Checkpoints.AttentionEnergy>),
        typeof(RecipeEnum<Dolmen.Checkpoints.DecoderStart>),
    ]
)]
[JsonSerializable(typeof(PipelineRecipe))]
internal sealed partial class RecipeJson : JsonSerializerContext;

/// <summary>Enum values as recipes spell them: <c>float32</c>, <c>bfloat16</c>, <c>warmupCosine</c>.</summary>
internal sealed class RecipeEnum<T>() : JsonStringEnumConverter<T>(new RecipeNaming(), allowIntegerValues: false)
    where T : struct, Enum;
