using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>An n-gram and what it says: positive speaks for the good set.</summary>
public sealed record WeightedNgram(string Ngram, double Weight);

/// <summary>What the model file says of itself.</summary>
internal sealed record QualityModelCard(
    string Kind, int Version, int Bits, int MaxChars, double Bias, double Slope, double Intercept, QualityReport? Report)
{
    public const string ThisKind = "quality-classifier";
    public const int ThisVersion = 1;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.Strict, UseStringEnumConverter = true, MaxDepth = 16)]
[JsonSerializable(typeof(QualityModelCard))]
[JsonSerializable(typeof(QualityReport))]
[JsonSerializable(typeof(LabelledRow))]
internal sealed partial class QualityJson : JsonSerializerContext;

/// <summary>Logistic regression over hashed n-grams, the classifier of phi-1 (Gunasekar et al. 2023) and FineWeb-Edu in its cheapest form.
/// A text's logit is the sum of the weights of its n-grams over the root of their number, plus a bias.</summary>
internal sealed class QualityModel(float[] weights, QualityModelCard card) : IQualityScorer
{
    public const int MinBits = 10, MaxBits = 24;

    public QualityModelCard Card { get; } = card;

    public ReadOnlySpan<float> Weights => weights;

    /// <summary>Probability that the text is of the good set, 0 to 1; NaN for a text without words.</summary>
    public double Score(ReadOnlySpan<char> text, string language)
    {
        var logit = Logit(text);
        return double.IsNaN(logit) ? double.NaN : new Calibration(Card.Slope, Card.Intercept).Probability(logit);
    }

    /// <summary>The score before calibration.</summary>
    public double Logit(ReadOnlySpan<char> text)
    {
        // The mask is the hash's range, so no index is outside of the table.
        ref var table = ref MemoryMarshal.GetArrayDataReference(weights);
        double sum = 0;
        var count = 0;
        for (var features = new TextFeatures(Beginning(text, Card.MaxChars), Card.Bits); features.MoveNext(); count++)
            sum += Unsafe.Add(ref table, features.Index);
        return count == 0 ? double.NaN : (sum / Math.Sqrt(count)) + Card.Bias;
    }

    /// <summary>The n-grams of this text that weigh most in its calibrated logit, either way, heaviest first.</summary>
    public IReadOnlyList<WeightedNgram> Explain(ReadOnlySpan<char> text, int most)
    {
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        var beginning = Beginning(text, Card.MaxChars);
        var count = 0;
        for (var features = new TextFeatures(beginning, Card.Bits); features.MoveNext(); count++)
        {
            if (weights[features.Index] == 0) continue;
            var ngram = Folded.Show(beginning[features.Start..features.End]);
            sums[ngram] = sums.GetValueOrDefault(ngram) + weights[features.Index];
        }
        var scale = Card.Slope / Math.Sqrt(Math.Max(count, 1));
        return
        [
            .. sums.Select(s => new WeightedNgram(s.Key, s.Value * scale))
                .OrderByDescending(n => Math.Abs(n.Weight))
                .ThenBy(n => n.Ngram, StringComparer.Ordinal)
                .Take(most),
        ];
    }

    public void Save(string path) =>
        ModelFile.Write(path, JsonSerializer.Serialize(Card, QualityJson.Default.QualityModelCard), ("weights", "F32", weights));

    /// <exception cref="UserErrorException">The file is missing, damaged or of another kind.</exception>
    public static QualityModel Load(string path)
    {
        const string What = "quality classifier";
        var file = ModelFile.Read(path, What, ("weights", "F32"));
        QualityModelCard? card = null;
        try
        {
            card = JsonSerializer.Deserialize(file.About, QualityJson.Default.QualityModelCard);
        }
        catch (JsonException error)
        {
            throw ModelFile.Broken(path, What, error.Message, error);
        }
        if (card is not { Kind: QualityModelCard.ThisKind })
            throw ModelFile.Broken(path, What, $"it says it is '{card?.Kind}'.");
        if (card.Version != QualityModelCard.ThisVersion)
            throw ModelFile.Broken(path, What, $"its version is {card.Version} and {QualityModelCard.ThisVersion} is read here.");
        if (card.Bits is < MinBits or > MaxBits)
            throw ModelFile.Broken(path, What, $"its table has 2^{card.Bits} weights and may have 2^{MinBits} to 2^{MaxBits}.");
        if (card.MaxChars < 1)
            throw ModelFile.Broken(path, What, $"its maxChars is {card.MaxChars}.");
        if (!double.IsFinite(card.Bias) || !double.IsFinite(card.Slope) || !double.IsFinite(card.Intercept))
            throw ModelFile.Broken(path, What, "its calibration is not finite.");
        var table = (float[])file.Tensors["weights"];
        return table.Length == 1 << card.Bits ? new QualityModel(table, card)
            : throw ModelFile.Broken(path, What, $"it has {table.Length} weights and says it has 2^{card.Bits}.");
    }

    internal static ReadOnlySpan<char> Beginning(ReadOnlySpan<char> text, int maxChars) =>
        text.Length <= maxChars ? text : text[..maxChars];
}
