using System.Text.Json.Serialization;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Data.Cleaning;

namespace Dolmen.Cli;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CorpusReport))]
[JsonSerializable(typeof(CleaningReport))]
[JsonSerializable(typeof(TokenCounts))]
[JsonSerializable(typeof(Dolmen.Web.Extraction.ExtractedPage))]
internal sealed partial class CliDataJson : JsonSerializerContext;
