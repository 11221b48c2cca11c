using Dolmen.Artifacts;
using Dolmen.Tokenization.Oniguruma;

namespace Dolmen.Tokenization;

/// <summary>What tokenizer.json says of normalizing and cutting text, of added tokens and of what bounds a text.</summary>
internal static class JsonSteps
{
    private const string Punctuation = @"[\p{P}$+<=>^~|`]";

    /// <summary>The steps of a member, which may be absent, one step or a Sequence of them.</summary>
    public static IEnumerable<JsonField> Of(JsonField root, string name, string list) =>
        root.IsAbsent(name) ? [] : Flat(root.Get(name), list);

    public static Normalizer? Normalizer(IEnumerable<JsonField> steps)
    {
        Normalizer[] made = [.. steps.Select(Normalizer)];
        return made.Length switch { 0 => null, 1 => made[0], _ => new NormalizerSequence(made) };
    }

    public static List<AddedToken> Added(JsonField root)
    {
        var added = new List<AddedToken>();
        if (root.IsAbsent("added_tokens")) return added;
        var (names, ids) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<int>());
        foreach (var item in root.Get("added_tokens").Items())
        {
            bool Flag(string name) => !item.IsAbsent(name) && item.Get(name).Flag();
            var content = item.Get("content");
            var id = item.Get("id").Number(BpeTokenizer.LargestVocabSize);
            if (content.Text().Length == 0)
                throw content.Error("is empty: a token has at least one character");
            if (!names.Add(content.Text()))
                throw content.Error($"is '{content.Text()}', which comes twice");
            if (!ids.Add(id))
                throw item.Get("id").Error($"is {id}: another added token has that id");
            added.Add(
                new AddedToken(content.Text(), id, Flag("special"), Flag("single_word"), Flag("lstrip"), Flag("rstrip"), Flag("normalized"))
            );
        }
        return added;
    }

    /// <summary>What goes before and behind a text.</summary>
    public static (List<int> Before, List<int> After) Template(JsonField root)
    {
        var (before, after) = (new List<int>(), new List<int>());
        foreach (var step in Of(root, "post_processor", "processors"))
        {
            var type = step.Get("type");
            switch (type.Text())
            {
                case "ByteLevel":
                    break;
                case "RobertaProcessing" or "BertProcessing":
                    before.Add(Pair(step.Get("cls")));
                    after.Add(Pair(step.Get("sep")));
                    break;
                case "TemplateProcessing":
                    AddTemplate(step, before, after);
                    break;
                default:
                    throw type.Error(
                        $"is '{type.Text()}': Dolmen reads TemplateProcessing, RobertaProcessing, BertProcessing and ByteLevel here"
                    );
            }
        }
        return (before, after);
    }

    /// <summary>What cuts text, of those steps that cut and do not change it; null where the step is of another kind.</summary>
    public static PreTokenizer? Cut(JsonField step)
    {
        switch (step.Get("type").Text())
        {
            case "Split":
                var pattern = step.Get("pattern");
                var (behavior, invert) = (Behavior(step.Get("behavior")), step.Get("invert").Flag());
                if (!pattern.IsAbsent("String")) return AtText(pattern.Get("String"), behavior, invert);
                var regex = pattern.Get("Regex");
                return Named(regex, () => PreTokenizer.Of(regex.Text(), behavior, invert));
            case "Digits":
                return PreTokenizer.Digits(!step.IsAbsent("individual_digits") && step.Get("individual_digits").Flag());
            case "Punctuation":
                return PreTokenizer.Of(
                    Punctuation,
                    step.IsAbsent("behavior") ? SplitBehavior.Isolated : Behavior(step.Get("behavior")),
                    invert: false
                );
            case "Whitespace":
                return PreTokenizer.Of(@"[\w\x{200C}\x{200D}]+|[^\w\s\x{200C}\x{200D}]+", SplitBehavior.Removed, invert: true);
            case "WhitespaceSplit":
                return PreTokenizer.Of(@"\s", SplitBehavior.Removed, invert: false);
            case "CharDelimiterSplit":
                return AtText(step.Get("delimiter"), SplitBehavior.Removed, invert: false);
            case "BertPreTokenizer":
                return PreTokenizer.Sequence(PreTokenizer.Of(@"\s", SplitBehavior.Removed, invert: false), PreTokenizer.Of(Punctuation));
            default:
                return null;
        }
    }

    /// <summary>The character that Metaspace writes for a space.</summary>
    public static string Replacement(JsonField step)
    {
        var replacement = step.Get("replacement");
        return replacement.Text().EnumerateRunes().Count() == 1 ? replacement.Text() : throw replacement.Error("is not one character");
    }

    /// <summary>Where Metaspace puts a space that the text does not have.</summary>
    public static SpacePrefix Scheme(JsonField step)
    {
        var scheme = step.IsAbsent("prepend_scheme") ? "always" : step.Get("prepend_scheme").Text();
        if (!step.IsAbsent("add_prefix_space") && !step.Get("add_prefix_space").Flag())
        {
            if (!step.IsAbsent("prepend_scheme") && scheme != "never")
                throw step.Get("add_prefix_space").Error($"is false, yet prepend_scheme is '{scheme}': they must say the same");
            scheme = "never";
        }
        return scheme switch
        {
            "always" => SpacePrefix.EverySection,
            "first" => SpacePrefix.AtStart,
            "never" => SpacePrefix.Never,
            _ => throw step.Get("prepend_scheme").Error($"is '{scheme}': it must be always, first or never"),
        };
    }

    public static OnigurumaRegex Regex(JsonField field) => Named(field, () => new OnigurumaRegex(field.Text()));

    private static RegexPreTokenizer AtText(JsonField text, SplitBehavior behavior, bool invert) => text.Text().Length > 0
        ? RegexPreTokenizer.AtText(text.Text(), behavior, invert) : throw text.Error("is empty: it must name where to cut");

    private static SplitBehavior Behavior(JsonField field) =>
        Enum.TryParse<SplitBehavior>(field.Text(), out var behavior) && Enum.IsDefined(behavior) && !char.IsAsciiDigit(field.Text()[0])
            ? behavior : throw field.Error($"is '{field.Text()}': it must be one of {string.Join(", ", Enum.GetNames<SplitBehavior>())}");

    /// <summary>A complaint of the pattern names the field.</summary>
    private static T Named<T>(JsonField field, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException(field.Error($"cannot be used: {error.Message.TrimEnd('.')}").Message, error);
        }
    }

    private static IEnumerable<JsonField> Flat(JsonField field, string list) =>
        field.Get("type").Text() == "Sequence" ? field.Get(list).Items().SelectMany(item => Flat(item, list)) : [field];

    private static Normalizer Normalizer(JsonField step)
    {
        var type = step.Get("type");
        return type.Text() switch
        {
            "NFC" => new UnicodeNormalizer(compose: true, compatibility: false),
            "NFD" => new UnicodeNormalizer(compose: false, compatibility: false),
            "NFKC" => new UnicodeNormalizer(compose: true, compatibility: true),
            "NFKD" => new UnicodeNormalizer(compose: false, compatibility: true),
            "Lowercase" => new LowercaseNormalizer(),
            "ByteLevel" => new ByteLevelNormalizer(),
            "StripAccents" => new StripAccentsNormalizer(),
            "Strip" => new StripNormalizer(step.Get("strip_left").Flag(), step.Get("strip_right").Flag()),
            "Prepend" => new PrependNormalizer(step.Get("prepend").Text()),
            "Replace" => Replace(step),
            "Precompiled" => Precompiled(step),
            var other => throw type.Error($"is '{other}': Dolmen reads NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, " +
                "Replace, Precompiled, ByteLevel and Sequence here"),
        };
    }

    private static Normalizer Replace(JsonField step)
    {
        var (pattern, content) = (step.Get("pattern"), step.Get("content").Text());
        if (!pattern.IsAbsent("String"))
        {
            var text = pattern.Get("String");
            return text.Text().Length > 0
                ? new ReplaceNormalizer(text.Text(), content)
                : throw text.Error("is empty: it must name what to replace");
        }
        return new RegexReplaceNormalizer(Regex(pattern.Get("Regex")), content);
    }

    private static CharsMapNormalizer Precompiled(JsonField step)
    {
        var map = step.Get("precompiled_charsmap");
        var bytes = new byte[map.Text().Length];
        if (!Convert.TryFromBase64String(map.Text(), bytes, out var count))
            throw map.Error("is not base64");
        return CharsMapNormalizer.Read(bytes.AsSpan(0, count)) is { } normalizer
            ? normalizer
            : throw map.Error("is damaged: its table does not fit its size");
    }

    private static void AddTemplate(JsonField step, List<int> before, List<int> after)
    {
        var here = before;
        foreach (var part in step.Get("single").Items())
        {
            if (!part.IsAbsent("Sequence"))
            {
                here = after;
                continue;
            }
            var name = part.Get("SpecialToken").Get("id");
            var tokens = step.Get("special_tokens");
            if (tokens.IsAbsent(name.Text())) throw name.Error($"is '{name.Text()}', which special_tokens does not hold");
            here.AddRange(tokens.Get(name.Text()).Get("ids").Items().Select(id => id.Number(BpeTokenizer.LargestVocabSize)));
        }
    }

    private static int Pair(JsonField field)
    {
        var items = field.Items().ToArray();
        return items.Length == 2
            ? items[1].Number(BpeTokenizer.LargestVocabSize)
            : throw field.Error($"has {items.Length} parts: a token's name and its id");
    }
}
