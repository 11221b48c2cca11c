using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What tokenizer.json's decoder says.</summary>
internal static class JsonDecoder
{
    private const int LongestStrip = 1 << 16;

    /// <summary>Its steps. Without a decoder spaces stand between tokens.</summary>
    public static List<DecoderStep> Steps(JsonField root)
    {
        var steps = JsonSteps.Of(root, "decoder", "decoders").Select(Step).ToList();
        if (root.IsAbsent("decoder")) steps.Add(new SpacesBetweenStep());
        for (var i = 1; i < steps.Count; i++)
            if (steps[i] is EachTokenStep { IsOneSpace: true } && steps[i - 1] is FuseStep or ByteLevelStep)
                steps[i] = new StripSpaceStep();
        return steps;
    }

    /// <summary>The bytes of tokens one behind the other are all there is to it.</summary>
    public static bool IsByteLevelAlone(IReadOnlyList<DecoderStep> steps) =>
        steps is [ByteLevelStep, ..] && steps.Skip(1).All(step => step is FuseStep);

    /// <summary>The texts of ids as a decoder sees them: an added token that is normalized is what the normalizer makes of it.</summary>
    public static string[] Texts(string[] texts, IEnumerable<AddedToken> added, Normalizer? normalizer)
    {
        string[] seen = [.. texts];
        foreach (var token in added)
            seen[token.Id] = token.Normalized && normalizer is not null ? normalizer.Apply(token.Content) : token.Content;
        return seen;
    }

    private static DecoderStep Step(JsonField step)
    {
        var type = step.Get("type");
        switch (type.Text())
        {
            case "ByteLevel":
                return new ByteLevelStep();
            case "ByteFallback":
                return new ByteFallbackStep();
            case "Fuse":
                return new FuseStep();
            case "Replace":
                return Replace(step);
            case "Strip":
                return EachTokenStep.Strip(
                    One(step.Get("content")),
                    step.Get("start").Number(LongestStrip),
                    step.Get("stop").Number(LongestStrip)
                );
            case "Metaspace":
                return new MetaspaceStep(JsonSteps.Replacement(step), JsonSteps.Scheme(step) != SpacePrefix.Never);
            case "BPEDecoder":
                return step.Get("suffix").Text() is { Length: > 0 } suffix ? new WordEndStep(suffix)
                    : throw step.Get("suffix").Error("is empty: it must name what ends a word");
            default:
                throw type.Error(
                    $"is '{type.Text()}': Dolmen reads ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, BPEDecoder and Sequence "
                        + $"here"
                );
        }
    }

    private static EachTokenStep Replace(JsonField step)
    {
        var (pattern, content) = (step.Get("pattern"), step.Get("content").Text());
        if (pattern.IsAbsent("String")) return EachTokenStep.Replace(JsonSteps.Regex(pattern.Get("Regex")), content);
        var text = pattern.Get("String");
        return text.Text().Length > 0
            ? EachTokenStep.Replace(text.Text(), content)
            : throw text.Error("is empty: it must name what to replace");
    }

    private static char One(JsonField field) => field.Text() is { Length: 1 } text ? text[0]
        : throw field.Error($"is '{field.Text()}': it must be one character (below U+10000)");
}
