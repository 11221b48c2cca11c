using System.Text;

namespace Dolmen.Tokenization;

/// <summary>Byte-level BPE out of a tokenizer.json.</summary>
internal static class ByteLevelJson
{
    public static BpeTokenizer Read(JsonField root, TokenNames names)
    {
        var model = root.Get("model");
        JsonBpe.Check(model);
        var field = model.Get("vocab");
        var vocabulary = JsonBpe.Vocabulary(root, model);
        var steps = JsonDecoder.Steps(root);
        var alone = JsonDecoder.IsByteLevelAlone(steps);
        var normalizer = JsonSteps.Normalizer(JsonSteps.Of(root, "normalizer", "normalizers"));
        var texts = JsonDecoder.Texts([.. vocabulary.Texts.Select(text => text ?? "")], vocabulary.Added, normalizer);
        var bytes = BytesOf(vocabulary, field, texts, alone);
        var merges = vocabulary.Merges(model.Get("merges"));
        ByteLevel.CheckMerges(bytes, merges, JsonBpe.WholePieces(model), vocabulary.Added, problem => model.Get("merges").Error(problem));
        var (before, after) = JsonSteps.Template(root);
        var special = vocabulary.Special(names, before);
        // Files that Dolmen wrote before 0.2 leave the begin token to the caller.
        if (special.User >= 0 && before.Count == 0) before.Add(special.Bos);
        var (split, space) = Split(root);
        var decoder = alone ? null : new TokenDecoder(steps, texts, wholeOnly: true);
        return new BpeTokenizer(
            new Vocabulary(bytes, vocabulary.Added, special, normalizer, before, after, decoder),
            merges, new BpeRules(split, JsonBpe.WholePieces(model), SpaceBefore: space));
    }

    /// <param name="seen">The texts of ids as the decoder sees them.</param>
    /// <param name="decodesAdded">The decoder takes the characters of added tokens for bytes as well.</param>
    private static byte[][] BytesOf(JsonVocabulary vocabulary, JsonField field, string[] seen, bool decodesAdded)
    {
        var bytes = new byte[vocabulary.Texts.Length][];
        Array.Fill(bytes, []);
        foreach (var token in vocabulary.Added)
            bytes[token.Id] = (decodesAdded ? ByteAlphabet.ToBytes(seen[token.Id]) : null) ?? Encoding.UTF8.GetBytes(seen[token.Id]);
        for (var id = 0; id < bytes.Length; id++)
        {
            if (bytes[id].Length > 0 || vocabulary.Texts[id] is not { } text) continue;
            bytes[id] = ByteAlphabet.ToBytes(text)
                ?? throw field.Error($"holds the token '{text}', which is not written in the characters of byte-level vocabularies");
        }
        ByteLevel.CheckBytes(bytes, vocabulary.Added, problem => field.Error(problem));
        return bytes;
    }

    private static (PreTokenizer Split, bool Space) Split(JsonField root)
    {
        var (steps, space, last) = (new List<PreTokenizer>(), false, false);
        void Add(PreTokenizer split) => steps.Add(last ? new ByteAlphabetPreTokenizer(split) : split);
        foreach (var step in JsonSteps.Of(root, "pre_tokenizer", "pretokenizers"))
        {
            var type = step.Get("type");
            switch (type.Text())
            {
                case "ByteLevel":
                    space = step.IsAbsent("add_prefix_space") || step.Get("add_prefix_space").Flag();
                    if (step.IsAbsent("use_regex") || step.Get("use_regex").Flag()) steps.Add(PreTokenizer.Gpt2);
                    last = true;
                    break;
                default:
                    Add(JsonSteps.Cut(step) ?? throw type.Error($"is '{type.Text()}': {JsonBpe.CutRule}"));
                    break;
            }
        }
        return (steps.Count > 0 ? PreTokenizer.Sequence(steps) : PreTokenizer.Of(@"[\s\S]+"), space);
    }
}
