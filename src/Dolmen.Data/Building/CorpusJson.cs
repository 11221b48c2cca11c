using System.Text.Json.Serialization;
using Dolmen.Tokenization;

namespace Dolmen.Data.Building;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Conversation))]
[JsonSerializable(typeof(PreferencePair))]
internal sealed partial class CorpusJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CorpusReport))]
internal sealed partial class CorpusReportJson : JsonSerializerContext;
