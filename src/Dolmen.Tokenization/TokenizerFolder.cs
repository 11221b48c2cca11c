using System.Text.Encodings.Web;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A tokenizer as Hugging Face software keeps it in a model folder.</summary>
public static class TokenizerFolder
{
    private const string TokenizerFile = "tokenizer.json";
    private const string ConfigFile = "tokenizer_config.json";
    private const string SpecialTokensFile = "special_tokens_map.json";
    private const string ChatTemplateFile = "chat_template.jinja";

    /// <summary>The largest tokenizer.json in use is 40 MB.</summary>
    private const long LargestFile = 256 << 20;

    private static readonly JsonWriterOptions Layout =
        new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What goes along with a model.</summary>
    public static IReadOnlyList<string> Files { get; } = [TokenizerFile, ConfigFile, SpecialTokensFile, ChatTemplateFile];

    /// <param name="tokenizer">What to write.</param>
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="contextLength">The model's, once there is one; other software cuts its input there.</param>
    public static void Save(BpeTokenizer tokenizer, string folder, int? contextLength = null)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile), ChatFormat.JinjaTemplate);
        WriteJson(Path.Combine(folder, SpecialTokensFile), WriteSpecialTokens);
        WriteJson(Path.Combine(folder, ConfigFile), json =>
        {
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            json.WritePropertyName("model_max_length");
            json.WriteRawValue(contextLength?.ToString() ?? "1000000000000000019884624838656");    // transformers' "not known"
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            WriteSpecialTokens(json);
        });
        WriteJson(Path.Combine(folder, TokenizerFile), json => TokenizerJson.Write(json, tokenizer));
    }

    /// <exception cref="UserErrorException">The folder holds no tokenizer, a damaged one,
    /// or one that splits text by other rules.</exception>
    public static Tokenizer Load(string folder)
    {
        var path = Path.Combine(folder, TokenizerFile);
        if (!File.Exists(path))
            throw new UserErrorException($"{path} does not exist: a tokenizer folder holds it. 'dolmen tokenizer train' makes one.");
        var size = new FileInfo(path).Length;
        if (size > LargestFile)
            throw new UserErrorException(
                $"{path} has {size} bytes: more than {LargestFile} is no tokenizer. Copy the file again from where it came.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (!SentencePieceJson.Describes(document.RootElement)) return TokenizerJson.Read(document.RootElement, path);
            var (bos, eos) = Ends(Path.Combine(folder, ConfigFile));
            return SentencePieceJson.Read(document.RootElement, path, bos, eos);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Invalid operation is what text with half a surrogate pair is to System.Text.Json.
            throw new UserErrorException(
                $"{path} is not valid JSON: {error.Message} Train the tokenizer again or copy the file again.", error);
        }
    }

    /// <summary>A SentencePiece vocabulary as transformers keeps Llama's; it has no chat template.</summary>
    public static void Save(SentencePieceBpeTokenizer tokenizer, string folder, int? contextLength = null)
    {
        Directory.CreateDirectory(folder);
        void Names(Utf8JsonWriter json)
        {
            foreach (var (name, id) in (ReadOnlySpan<(string, int)>)[("bos_token", tokenizer.Special.Bos),
                ("eos_token", tokenizer.Special.Eos), ("unk_token", tokenizer.Unknown)])
            {
                if (id >= 0) json.WriteString(name, tokenizer.Pieces[id]);
            }
        }
        WriteJson(Path.Combine(folder, SpecialTokensFile), Names);
        WriteJson(Path.Combine(folder, ConfigFile), json =>
        {
            json.WriteBoolean("add_bos_token", tokenizer.Special.Bos >= 0);
            json.WriteBoolean("add_eos_token", false);
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            json.WriteBoolean("legacy", true);
            json.WritePropertyName("model_max_length");
            json.WriteRawValue(contextLength?.ToString() ?? "1000000000000000019884624838656");    // transformers' "not known"
            json.WriteString("tokenizer_class", "LlamaTokenizerFast");
            Names(json);
        });
        WriteJson(Path.Combine(folder, TokenizerFile), json => SentencePieceJson.Write(json, tokenizer));
    }

    /// <summary>Names of the tokens that begin and end a text, from tokenizer_config.json where it says so.</summary>
    private static (string Bos, string Eos) Ends(string path)
    {
        if (!File.Exists(path) || new FileInfo(path).Length > LargestFile) return ("<s>", "</s>");
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return (Name("bos_token") ?? "<s>", Name("eos_token") ?? "</s>");

        string? Name(string member) => document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty(member, out var value) ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Object when value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String =>
                    content.GetString(),
                _ => null,
            } : null;
    }

    private static void WriteSpecialTokens(Utf8JsonWriter json)
    {
        var names = SpecialTokens.Names;
        json.WriteString("bos_token", names[0]);
        json.WriteString("eos_token", names[1]);
        json.WriteString("pad_token", names[2]);
        json.WriteStartArray("additional_special_tokens");
        foreach (var name in names.Skip(3)) json.WriteStringValue(name);
        json.WriteEndArray();
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> members) => AtomicFile.Write(path, stream =>
    {
        using (var json = new Utf8JsonWriter(stream, Layout))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    });
}
