using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Cuts text into the pieces within which merges happen. Safe to use from several threads at once.</summary>
public abstract class PreTokenizer
{
    /// <summary>What Dolmen's own vocabularies are learned with: the split of OpenAI's o200k vocabulary.</summary>
    public static PreTokenizer O200k => Of(KnownPatterns.O200k);

    /// <summary>The same as OpenAI writes it, which differs in contractions with the long s alone: 'ſ.</summary>
    public static PreTokenizer Gpt4o => Of(KnownPatterns.Gpt4o);

    public static PreTokenizer Gpt2 => Of(KnownPatterns.Gpt2);

    public static PreTokenizer Cl100k => Of(KnownPatterns.Cl100k);

    /// <summary>As <see cref="Cl100k"/> with every digit a piece.</summary>
    public static PreTokenizer Qwen2 => Of(KnownPatterns.Qwen2);

    private static readonly Dictionary<string, Func<PreTokenizer>> Named = new(StringComparer.OrdinalIgnoreCase)
    {
        ["gpt2"] = () => Gpt2,
        ["gpt-2"] = () => Gpt2,
        ["r50k"] = () => Gpt2,
        ["p50k"] = () => Gpt2,
        ["mpt"] = () => Gpt2,
        ["olmo"] = () => Gpt2,
        ["cl100k"] = () => Cl100k,
        ["llama3"] = () => Cl100k,
        ["llama-bpe"] = () => Cl100k,
        ["qwen2"] = () => Qwen2,
        ["qwen3"] = () => Qwen2,
        ["stablelm2"] = () => Qwen2,
        ["qwen35"] = () => Of(KnownPatterns.Qwen35Single),
        ["nanochat"] = () => Of(KnownPatterns.Nanochat),
        ["o200k"] = () => O200k,
        ["gpt-4o"] = () => Gpt4o,
        ["tekken"] = () => Of(KnownPatterns.Tekken),
        ["starcoder"] = () => Sequence(Digits(individual: true), Gpt2),
        ["refact"] = () => Sequence(Digits(individual: true), Gpt2),
        ["command-r"] = () => Sequence(Digits(individual: true), Gpt2),
        ["smollm"] = () => Sequence(Digits(individual: true), Gpt2),
        ["falcon"] = () => Sequence(Punctuation(isolated: false), Gpt2, Of("[0-9][0-9][0-9]")),
        ["deepseek-llm"] = () => Sequence(KnownPatterns.DeepSeekLlm),
        ["deepseek-coder"] = () =>
            Sequence(Of(@"[\r\n]"), Of(@"\s?\p{L}+"), Of(@"\s?\p{P}+"), Of("[一-龥ࠀ-一가-퟿]+"), Digits(individual: true)),
        ["deepseek-v3"] = () => Sequence(Of(@"\p{N}{1,3}"), Of("[一-龥\u3040-ゟ゠-ヿ]+"), Of(KnownPatterns.DeepSeekWords)),
        ["default"] = () => Sequence(Of(@"[\p{P}\$\+<=>\^~\|]+"), Gpt2, Digits(individual: false), Of("[0-9][0-9][0-9]")),
    };

    /// <summary>What <see cref="ByName"/> knows: vocabularies, and what GGUF files call their splits.</summary>
    public static IReadOnlyCollection<string> Names => Named.Keys;

    /// <summary>The regular expression whose matches, and what lies between them, are the pieces, in an engine whose unit is the code
    /// point; as tokenizer.json names it. Of a sequence its steps have one each.</summary>
    public abstract string Pattern { get; }

    /// <summary>What cuts one after the other, each within the pieces of the one before.</summary>
    public virtual IReadOnlyList<PreTokenizer> Steps => [this];

    /// <summary>Appends the end of every piece of the UTF-8 <paramref name="text"/>, in order; the last is the end of the text. The end of
    /// a piece that is dropped (some splits drop white space) is its bitwise complement. Bytes that are not UTF-8 count as
    /// symbols.</summary>
    /// <exception cref="UserErrorException">A pattern of the user's takes too long.</exception>
    public abstract void Split(ReadOnlySpan<byte> text, List<int> ends);

    /// <summary>Where the piece ends, dropped or not.</summary>
    public static int EndOf(int end) => end < 0 ? ~end : end;

    /// <summary>The members of tokenizer.json's step that does the same.</summary>
    internal virtual void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", nameof(SplitBehavior.Isolated));
        json.WriteBoolean("invert", false);
    }

    /// <summary>The pattern's matches with a behaviour of their own. A known scanner stands in where it does the same: it leaves nothing
    /// between its matches.</summary>
    internal static PreTokenizer Of(string pattern, SplitBehavior behavior, bool invert)
    {
        if (behavior == SplitBehavior.Isolated) return Of(pattern);
        var covers = pattern.EndsWith(@"|\s+", StringComparison.Ordinal) || pattern.EndsWith(@"|\s", StringComparison.Ordinal);
        return behavior == SplitBehavior.Removed && invert && covers && KnownPatterns.Find(pattern) is { } known and not GapScanner
            ? known : new RegexPreTokenizer(pattern, behavior, invert);
    }

    /// <summary>A pattern of a published vocabulary is a scanner that does the same; any other is matched as Oniguruma does.</summary>
    /// <exception cref="UserErrorException">It is not a regular expression of Oniguruma's.</exception>
    public static PreTokenizer Of(string pattern) => KnownPatterns.Find(pattern) ?? new RegexPreTokenizer(pattern);

    /// <summary>Each step cuts within the pieces of the one before.</summary>
    public static PreTokenizer Sequence(params IReadOnlyList<PreTokenizer> steps) =>
        steps.Count == 1 ? steps[0] : new SequencePreTokenizer([.. steps.SelectMany(step => step.Steps)]);

    /// <summary>Sets numbers apart, each digit or run of digits a piece.</summary>
    public static PreTokenizer Digits(bool individual) => Of(individual ? @"\p{N}" : @"\p{N}+");

    /// <summary>Sets punctuation and ASCII's signs apart, each one or each run of them a piece.</summary>
    public static PreTokenizer Punctuation(bool isolated) => Of(isolated ? @"[\p{P}$+<=>^~|`]" : @"[\p{P}\$\+<=>\^~\|`]+");

    /// <summary>Null where no split has that name.</summary>
    public static PreTokenizer? ByName(string name) => Named.TryGetValue(name, out var make) ? make() : null;

    /// <summary>What a user means by a name or else a pattern, with other digits where asked.</summary>
    public static PreTokenizer Parse(string nameOrPattern, int? digits = null)
    {
        var split = ByName(nameOrPattern) ?? Of(nameOrPattern);
        if (digits is not { } most) return split;
        if (most is < 1 or > 3)
            throw new UserErrorException($"digits is {most}: a piece has at most 1, 2 or 3 of them.");
        return Of(
            KnownPatterns.WithDigits(split.Pattern, most)
                ?? throw new UserErrorException(
                    $"The pre-tokenizer {nameOrPattern} has no \\p{{N}}{{1,3}} whose digits could be {most}: o200k, cl100k and patterns "
                        + $"like them have."
                )
        );
    }
}
