using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Data.Quality.Perplexity;

/// <summary>What the model file says of itself.</summary>
/// <param name="Types">Tokens that can be predicted: the vocabulary, the end of a line and the unknown word.</param>
/// <param name="UnknownTypes">Among how many rare words the unknown word's probability is shared, so that gibberish is not an easy
/// text.</param>
/// <param name="UniformShare">What the unigrams leave to the uniform distribution.</param>
internal sealed record PerplexityModelCard(
    string Kind,
    int Version,
    PerplexityUnit Unit,
    int Order,
    int Bits,
    long Types,
    long UnknownTypes,
    double UniformShare,
    PerplexityReport Report
)
{
    public const string ThisKind = "ngram-perplexity";
    public const int ThisVersion = 1;
}

/// <summary>An interpolated n-gram model with modified Kneser-Ney discounts (Chen and Goodman 1999) in one hash table: of each n-gram its
/// share of its context's probability and, as a context, what it leaves to the shorter one. Of a key only 32 bits are kept besides its
/// place, so one lookup in some hundred million finds an n-gram that is not there.</summary>
internal sealed class NgramModel : IPerplexity
{
    public const int MinOrder = 2, MaxOrder = 6;

    public const ulong Unknown = 3;

    private const int MinBits = 4, MaxBits = 28;
    private const ulong Step = 0x9E3779B97F4A7C15, Finish = 0xD6E8FEB86659FD93;

    // Together, so that finding one costs one miss of the cache and not three.
    private readonly record struct Entry(uint Print, float Share, float Rest);

    private readonly Entry[] _entries;

    public NgramModel(uint[] prints, float[] shares, float[] rests, PerplexityModelCard card)
    {
        _entries = new Entry[prints.Length];
        for (var i = 0; i < prints.Length; i++) _entries[i] = new Entry(prints[i], shares[i], rests[i]);
        Card = card;
    }

    private NgramModel(Entry[] entries, PerplexityModelCard card) => (_entries, Card) = (entries, card);

    public PerplexityModelCard Card { get; }

    public double Of(ReadOnlySpan<char> text)
    {
        var (surprise, count) = Surprise(text);
        return count == 0 ? double.NaN : Math.Exp(surprise / count);
    }

    /// <returns>Nats over all tokens, ends of lines among them, and how many those are.</returns>
    /// <param name="each">Takes the nats of every token, if given.</param>
    public (double Nats, long Tokens) Surprise(ReadOnlySpan<char> text, List<double>? each = null)
    {
        double nats = 0;
        long count = 0;
        var order = Card.Order;
        var uniform = Card.UniformShare / Card.Types;
        Span<ulong> past = stackalloc ulong[MaxOrder];                   // the token before first
        Span<float> rest = stackalloc float[MaxOrder];                   // what the context of k tokens leaves, for k = 1 …
        var contexts = 0;
        var length = 0;
        for (var tokens = new NgramTokens(text, Card.Unit); tokens.MoveNext(); count++)
        {
            if (length == 0)
            {
                past[0] = NgramTokens.LineStart;
                length = 1;
                contexts = Find(Combine(0, NgramTokens.LineStart), out _, out rest[0]) ? 1 : 0;
            }
            var token = tokens.Current;
            var hash = Combine(0, token);
            var split = 1.0;
            if (!Find(hash, out var share, out var left))
            {
                token = Unknown;
                hash = Combine(0, token);
                _ = Find(hash, out share, out left);
                split = Card.UnknownTypes;
            }
            var probability = share + uniform;
            var found = 0;
            Span<float> next = [left, 0, 0, 0, 0, 0];
            for (var k = 2; k <= order && k - 1 <= length; k++)
            {
                var there = false;
                if (found == k - 2)
                {
                    hash = Combine(hash, past[k - 2]);
                    there = Find(hash, out share, out left);
                    if (there) (found, next[k - 1]) = (k - 1, left);
                }
                if (k - 1 <= contexts) probability = (there ? share : 0) + (rest[k - 2] * probability);
                else if (!there) break;
            }
            var surprise = -Math.Log(probability / split);
            nats += surprise;
            each?.Add(surprise);
            if (tokens.Current == NgramTokens.LineEnd)
            {
                length = 0;
                continue;
            }
            contexts = Math.Min(found + 1, order - 1);
            next[..order].CopyTo(rest);
            for (var i = MaxOrder - 1; i > 0; i--) past[i] = past[i - 1];
            past[0] = token;
            length = Math.Min(length + 1, MaxOrder);
        }
        return (nats, count);
    }

    /// <summary>The key of an n-gram, built from its last token backwards.</summary>
    public static ulong Combine(ulong later, ulong token)
    {
        unchecked
        {
            var hash = ((later + Step) ^ token) * Finish;
            hash = (hash ^ (hash >> 32)) * Step;
            return hash ^ (hash >> 29);
        }
    }

    public static uint Print(ulong hash) => (uint)hash == 0 ? 1 : (uint)hash;

    private bool Find(ulong hash, out float share, out float rest)
    {
        var entries = _entries;
        var mask = entries.Length - 1;
        var print = Print(hash);
        for (var at = (int)(hash >> (64 - Card.Bits)); entries[at].Print != 0; at = (at + 1) & mask)
        {
            if (entries[at].Print != print) continue;
            (share, rest) = (entries[at].Share, entries[at].Rest);
            return true;
        }
        (share, rest) = (0, 1);
        return false;
    }

    public NgramModel With(PerplexityReport report) => new(_entries, Card with { Report = report });

    public void Save(string path) =>
        ModelFile.Write(
            path,
            JsonSerializer.Serialize(Card, PerplexityJson.Default.PerplexityModelCard),
            ("prints", "U32", Array.ConvertAll(_entries, e => e.Print)),
            ("shares", "F32", Array.ConvertAll(_entries, e => e.Share)),
            ("rests", "F32", Array.ConvertAll(_entries, e => e.Rest))
        );

    /// <exception cref="UserErrorException">The file is missing, damaged or of another kind.</exception>
    public static NgramModel Load(string path)
    {
        const string What = "perplexity model";
        var file = ModelFile.Read(path, What, ("prints", "U32"), ("shares", "F32"), ("rests", "F32"));
        PerplexityModelCard? card;
        try
        {
            card = JsonSerializer.Deserialize(file.About, PerplexityJson.Default.PerplexityModelCard);
        }
        catch (JsonException error)
        {
            throw ModelFile.Broken(path, What, error.Message, error);
        }
        if (card is not { Kind: PerplexityModelCard.ThisKind })
            throw ModelFile.Broken(path, What, $"it says it is '{card?.Kind}'.");
        if (card.Version != PerplexityModelCard.ThisVersion)
            throw ModelFile.Broken(path, What, $"its version is {card.Version} and {PerplexityModelCard.ThisVersion} is read here.");
        if (card.Order is < MinOrder or > MaxOrder)
            throw ModelFile.Broken(path, What, $"its order is {card.Order} and may be {MinOrder} to {MaxOrder}.");
        if (card.Types < 1 || card.UnknownTypes < 1 || !(card.UniformShare is > 0 and <= 1))
            throw ModelFile.Broken(path, What, "its counts of words make no probabilities.");
        var prints = (uint[])file.Tensors["prints"];
        if (card.Bits is < MinBits or > MaxBits || prints.Length != 1 << card.Bits)
            throw ModelFile.Broken(path, What, $"it has {prints.Length} places and says it has 2^{card.Bits}.");
        if (!prints.Contains(0u))
            throw ModelFile.Broken(path, What, "its table has no free place.");
        var (shares, rests) = ((float[])file.Tensors["shares"], (float[])file.Tensors["rests"]);
        if (shares.AsSpan().ContainsAnyExceptInRange(0, 1) || rests.AsSpan().ContainsAnyExceptInRange(0, 1))
            throw ModelFile.Broken(path, What, "it holds a share that is not between 0 and 1.");
        return new NgramModel(prints, shares, rests, card);
    }
}
