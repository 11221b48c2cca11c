using System.Text.Json.Serialization;

namespace Dolmen.Data.Quality.Perplexity;

/// <summary>What model files and reports of perplexity hold.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.Strict, UseStringEnumConverter = true, MaxDepth = 16)]
[JsonSerializable(typeof(PerplexityModelCard))]
[JsonSerializable(typeof(PerplexityReport))]
internal sealed partial class PerplexityJson : JsonSerializerContext;

/// <summary>What people write: unknown keys are errors.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true,
    MaxDepth = 8
)]
[JsonSerializable(typeof(PerplexitySettings))]
internal sealed partial class PerplexitySettingsJson : JsonSerializerContext;
