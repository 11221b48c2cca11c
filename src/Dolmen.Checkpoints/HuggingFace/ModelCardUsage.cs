namespace Dolmen.Checkpoints;

/// <summary>What every model card says besides the model's own story: which library loads it, the licence, how text begins, and a snippet
/// that runs.</summary>
public static class ModelCardUsage
{
    /// <summary>The first lines of the front matter, without its fences.</summary>
    public static string FrontMatter(ModelConfig config, string license) =>
        $"library_name: {(IsOurs(config) ? "dolmen" : "transformers")}\npipeline_tag: {Task(config)}\nlicense: "
            + $"'{license.Replace("'", "''")}'\n";

    /// <summary>Markdown, from its heading to a line end.</summary>
    /// <param name="bos">The id that begins every text; null where none does.</param>
    public static string Markdown(ModelConfig config, string license, int? bos)
    {
        var licence =
            license == "other" ? "not stated: whoever publishes the model names one here and in the first lines of this file" : license;
        var beginning = bos is { } id
            ? $"Every text begins with the token of id {id} (`bos_token_id`). Dolmen puts it there; with other software check that the "
                + $"first id of an encoded text is this one, and put it there once where it is not."
            : "No token marks the beginning of a text: do not put one there.";
        return $"## Use\n\n{beginning}\n\n{Snippet(config)}\nLicence: {licence}.\n";
    }

    private static string Task(ModelConfig config) =>
        config is DecoderConfig { Head: not null } ? "text-classification" : "text-generation";

    /// <summary>Whether only Dolmen has a class for it.</summary>
    private static bool IsOurs(ModelConfig config) => ModelFamilies.Find(HuggingFaceConfig.ModelType(config)) is null;

    private static string Snippet(ModelConfig config)
    {
        const string ours = "```sh\n./dolmen generate --model . --prompt \"Hello\"\n```\n";
        if (config is Seq2SeqConfig or EncoderDecoderConfig) return "```sh\n./dolmen translate --model . --input \"Hello\"\n```\n";
        if (config is DecoderConfig { Head: not null }) return IsOurs(config) ? "" : Classification;
        return IsOurs(config) ? ours : ours + "\n" + """
            ```python
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            folder = "."  # this folder
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = AutoModelForCausalLM.from_pretrained(folder)
            ids = tokenizer("Hello", return_tensors="pt", add_special_tokens=False).input_ids
            if model.config.bos_token_id is not None:
                ids = torch.cat([torch.tensor([[model.config.bos_token_id]]), ids], dim=1)
            print(tokenizer.decode(model.generate(ids, max_new_tokens=40)[0], skip_special_tokens=True))
            ```

            """.ReplaceLineEndings("\n");
    }

    private const string Classification = "```python\n"
        + "import torch\n"
        + "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n"
        + "\n"
        + "folder = \".\"  # this folder\n"
        + "tokenizer = AutoTokenizer.from_pretrained(folder)\n"
        + "model = AutoModelForSequenceClassification.from_pretrained(folder)\n"
        + "ids = tokenizer(\"Hello\", return_tensors=\"pt\", add_special_tokens=False).input_ids\n"
        + "if model.config.bos_token_id is not None:\n"
        + "    ids = torch.cat([torch.tensor([[model.config.bos_token_id]]), ids], dim=1)\n"
        + "print(model(ids).logits)\n"
        + "```\n\n";
}
