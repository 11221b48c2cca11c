using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true,
    MaxDepth = 8
)]
[JsonSerializable(typeof(QualitySettings))]
internal sealed partial class QualitySettingsJson : JsonSerializerContext;

/// <summary>How a classifier is trained.</summary>
/// <param name="Bits">The table has 2^bits weights, 4 bytes each.</param>
/// <param name="MaxChars">Of a document only its beginning is looked at, in training and in scoring alike.</param>
/// <param name="L1">Pulls useless weights to exactly zero (FTRL-Proximal, McMahan et al. 2013); <paramref name="L2"/> makes all of
/// them smaller.</param>
/// <param name="HeldOutFraction">Kept out of training: one half of it calibrates, the other judges.</param>
/// <param name="PositiveFrom">A label is good from this value on: 1 for labels of 0 and 1, 3 for FineWeb-Edu's 0 to 5 when left
/// out.</param>
/// <param name="Balance">Both classes count the same however many documents each has. Left out: yes for a good set against a raw set, no
/// for labels.</param>
/// <param name="MaxCharsPerClass">Most text held for one class, in characters; of more, a sample that depends on the seed alone.</param>
public sealed record QualitySettings(
    int Bits = 20,
    int Epochs = 6,
    double LearningRate = 2,
    double L1 = 0.1,
    double L2 = 0.5,
    int MaxChars = 20_000,
    double HeldOutFraction = 0.2,
    double? PositiveFrom = null,
    bool? Balance = null,
    long MaxCharsPerClass = 128L << 20
)
{
    /// <param name="sets"><c>name=value</c>, such as <c>bits=18</c>.</param>
    /// <exception cref="UserErrorException">A setting is unknown, of the wrong type or out of its range.</exception>
    public static QualitySettings Of(IReadOnlyList<string> sets)
    {
        var settings = RecipeTree.Bind(sets, QualitySettingsJson.Default.QualitySettings);
        settings.ThrowIfInvalid();
        return settings;
    }

    /// <summary>All that is wrong at once; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        Between("bits", Bits, QualityModel.MinBits, QualityModel.MaxBits);
        Between("epochs", Epochs, 1, 1000);
        Between("learningRate", LearningRate, 1e-6, 100);
        Between("l1", L1, 0, 1e6);
        Between("l2", L2, 0, 1e6);
        Between("maxChars", MaxChars, 100, 10_000_000);
        Between("heldOutFraction", HeldOutFraction, 0.02, 0.8);
        Between("maxCharsPerClass", MaxCharsPerClass, 10_000, 1L << 32);
        return problems;

        void Between(string name, double value, double least, double most)
        {
            if (!(value >= least && value <= most)) problems.Add($"{name} is {value}: it must lie between {least} and {most}.");
        }
    }

    internal void ThrowIfInvalid()
    {
        if (Validate() is { Count: > 0 } problems) throw new UserErrorException(string.Join(' ', problems));
    }
}
