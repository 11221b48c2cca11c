using System.Text;

namespace Dolmen.Tokenization;

/// <summary>Byte-level BPE out of a tokenizer.json.</summary>
internal static class ByteLevelJson
{
    public static BpeTokenizer Read(JsonField root, TokenNames names)
    {
        var model = root.Get("model");
        model.Only("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
            "ignore_merges", "vocab", "merges");
        foreach (var name in (string[])["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
            if (!model.IsAbsent(name)) model.Get(name).MustBeNothing();
        if (!model.IsAbsent("byte_fallback")) model.Get("byte_fallback").MustBe(false);
        var wholePieces = !model.IsAbsent("ignore_merges") && model.Get("ignore_merges").Flag();
        var field = model.Get("vocab");
        var vocabulary = JsonVocabulary.Of(field,
            field.Members().Select(member => (member.Name, member.Value.Number(BpeTokenizer.LargestVocabSize), member.Value)), JsonSteps.Added(root));
        var bytes = BytesOf(vocabulary, field);
        var merges = vocabulary.Merges(model.Get("merges"));
        ByteLevel.CheckMerges(bytes, merges, wholePieces, vocabulary.Added, problem => model.Get("merges").Error(problem));
        var (before, after) = JsonSteps.Template(root);
        var special = vocabulary.Special(names, before);
        if (special.User >= 0 && before.Count == 0) before.Add(special.Bos);
        var (split, space) = Split(root);
        return new BpeTokenizer(
            new Vocabulary(bytes, vocabulary.Added, special, JsonSteps.Normalizer(JsonSteps.Of(root, "normalizer", "normalizers")), before, after),
            merges, new BpeRules(split, wholePieces, SpaceBefore: space));
    }

    private static byte[][] BytesOf(JsonVocabulary vocabulary, JsonField field)
    {
        var bytes = new byte[vocabulary.Texts.Length][];
        Array.Fill(bytes, []);
        foreach (var token in vocabulary.Added) bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
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
                case "Split":
                    Add(JsonSteps.Split(step));
                    break;
                case "Digits":
                    Add(PreTokenizer.Digits(!step.IsAbsent("individual_digits") && step.Get("individual_digits").Flag()));
                    break;
                case "Punctuation":
                    var behavior = step.IsAbsent("behavior") ? "Isolated" : step.Get("behavior").Text();
                    if (behavior is not ("Isolated" or "Contiguous"))
                        throw step.Get("behavior").Error($"is '{behavior}': Dolmen reads 'Isolated' and 'Contiguous' here");
                    Add(PreTokenizer.Punctuation(behavior == "Isolated"));
                    break;
                case "ByteLevel":
                    if (last) throw type.Error("is 'ByteLevel' a second time");
                    space |= !step.IsAbsent("add_prefix_space") && step.Get("add_prefix_space").Flag();
                    if (space && steps.Count > 0) throw step.Get("add_prefix_space").Error("is true behind another step: Dolmen reads only false here");
                    if (step.IsAbsent("use_regex") || step.Get("use_regex").Flag()) steps.Add(PreTokenizer.Gpt2);
                    last = true;
                    break;
                default:
                    throw type.Error($"is '{type.Text()}': Dolmen reads Split, Digits, Punctuation and ByteLevel here");
            }
        }
        if (!last) throw root.Error("has a ByteLevel decoder and no ByteLevel pre_tokenizer: its text would not be bytes");
        return (steps.Count > 0 ? PreTokenizer.Sequence(steps) : PreTokenizer.Of(@"[\s\S]+"), space);
    }
}
