using System.Text.RegularExpressions;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What tokenizer.json says of normalizing and cutting text, of added tokens and of what bounds a text.</summary>
internal static class JsonSteps
{
    /// <summary>A pattern of a file that takes longer is refused.</summary>
    private static readonly TimeSpan LongestMatch = TimeSpan.FromSeconds(5);

    /// <summary>Any white space becomes one space.</summary>
    public static Normalizer OneSpace { get; } = new RegexReplaceNormalizer(new Regex(@"\s+", RegexOptions.CultureInvariant, LongestMatch), " ");

    /// <summary>The steps of a member, which may be absent, one step or a Sequence of them.</summary>
    public static IEnumerable<JsonField> Of(JsonField root, string name, string list) => root.IsAbsent(name) ? [] : Flat(root.Get(name), list);

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
            if (content.Text().Length == 0) throw content.Error("is empty: a token has at least one character");
            if (!names.Add(content.Text())) throw content.Error($"is '{content.Text()}', which comes twice");
            if (!ids.Add(id)) throw item.Get("id").Error($"is {id}: another added token has that id");
            added.Add(new AddedToken(content.Text(), id, Flag("special"), Flag("single_word"), Flag("lstrip"), Flag("rstrip"), Flag("normalized")));
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
                    throw type.Error($"is '{type.Text()}': Dolmen reads TemplateProcessing, RobertaProcessing, BertProcessing and ByteLevel here");
            }
        }
        return (before, after);
    }

    /// <summary>The pattern of a Split step, where it cuts its matches out and leaves what lies between whole.</summary>
    public static PreTokenizer Split(JsonField step)
    {
        var behavior = step.Get("behavior");
        var inverted = !step.IsAbsent("invert") && step.Get("invert").Flag();
        // Removing what is no match is how patterns that match everything are written as well.
        if (behavior.Text() is not "Isolated" && !(behavior.Text() is "Removed" && inverted))
            throw behavior.Error($"is '{behavior.Text()}'{(inverted ? ", inverted" : "")}: Dolmen reads only 'Isolated' here");
        var pattern = step.Get("pattern");
        if (!pattern.IsAbsent("String")) return PreTokenizer.Of(Regex.Escape(pattern.Get("String").Text()));
        try
        {
            return PreTokenizer.Of(pattern.Get("Regex").Text());
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException(pattern.Get("Regex").Error($"cannot be used: {error.Message.TrimEnd('.')}").Message, error);
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
            "StripAccents" => new StripAccentsNormalizer(),
            "Strip" => new StripNormalizer(step.Get("strip_left").Flag(), step.Get("strip_right").Flag()),
            "Prepend" => new PrependNormalizer(step.Get("prepend").Text()),
            "Replace" => Replace(step),
            "Precompiled" => Precompiled(step),
            var other => throw type.Error($"is '{other}': Dolmen reads NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, " +
                "Replace, Precompiled and Sequence here"),
        };
    }

    private static Normalizer Replace(JsonField step)
    {
        var (pattern, content) = (step.Get("pattern"), step.Get("content").Text());
        if (!pattern.IsAbsent("String"))
        {
            var text = pattern.Get("String");
            return text.Text().Length > 0 ? new ReplaceNormalizer(text.Text(), content) : throw text.Error("is empty: it must name what to replace");
        }
        var regex = pattern.Get("Regex");
        try
        {
            return new RegexReplaceNormalizer(new Regex(regex.Text(), RegexOptions.CultureInvariant, LongestMatch), content);
        }
        catch (ArgumentException error)
        {
            throw new UserErrorException(regex.Error($"is no regular expression: {error.Message.TrimEnd('.')}").Message, error);
        }
    }

    private static CharsMapNormalizer Precompiled(JsonField step)
    {
        var map = step.Get("precompiled_charsmap");
        var bytes = new byte[map.Text().Length];
        if (!Convert.TryFromBase64String(map.Text(), bytes, out var count)) throw map.Error("is not base64");
        return CharsMapNormalizer.Read(bytes.AsSpan(0, count)) is { } normalizer ? normalizer : throw map.Error("is damaged: its table does not fit its size");
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
        return items.Length == 2 ? items[1].Number(BpeTokenizer.LargestVocabSize) : throw field.Error($"has {items.Length} parts: a token's name and its id");
    }
}
