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
    private const string TemplateMember = "chat_template";

    /// <summary>The largest tokenizer.json in use is 40 MB.</summary>
    private const int LargestFile = 256 << 20;

    private static readonly JsonWriterOptions Layout =
        new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What goes along with a model.</summary>
    public static IReadOnlyList<string> Files { get; } = [TokenizerFile, ConfigFile, SpecialTokensFile, ChatTemplateFile];

    /// <param name="tokenizer">What to write; its chat template goes along, Dolmen's where it has the tokens for it and no other.</param>
    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="contextLength">The model's, once there is one; other software cuts its input there.</param>
    public static void Save(Tokenizer tokenizer, string folder, int? contextLength = null)
    {
        Directory.CreateDirectory(folder);
        if (tokenizer.Original is { } files)
        {
            SaveOriginal(tokenizer, files, folder, contextLength);
            return;
        }
        WriteJson(Path.Combine(folder, SpecialTokensFile), json => WriteSpecialTokens(json, tokenizer));
        WriteJson(Path.Combine(folder, ConfigFile), json => WriteConfig(json, tokenizer, contextLength));
        if (ChatFormat.SourceOf(tokenizer) is { } template) SaveChatTemplate(template, folder);
        WriteJson(
            Path.Combine(folder, TokenizerFile),
            json =>
            {
                if (tokenizer is BpeTokenizer bytes)
                    TokenizerJson.Write(json, bytes);
                else if (tokenizer is SentencePieceTokenizer pieces)
                    SentencePieceJson.Write(json, pieces);
                else
                    throw new ArgumentException($"A {tokenizer.GetType().Name} cannot be written.", nameof(tokenizer));
            }
        );
    }

    /// <param name="template">As it stands in another file; it is read when a conversation asks for it.</param>
    public static void SaveChatTemplate(string template, string folder)
    {
        AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile), template);
        var path = Path.Combine(folder, ConfigFile);
        if (!File.Exists(path)) return;
        // Software that does not know the template's own file looks for it here.
        using var config = JsonInput.ReadFile(path, LargestFile);
        WriteJson(
            path,
            json =>
            {
                foreach (var member in config.RootElement.EnumerateObject().Where(member => member.Name != TemplateMember))
                    member.WriteTo(json);
                json.WriteString(TemplateMember, template);
            }
        );
    }

    /// <summary>As tiktoken's file of ranks, which leaves out special tokens and how text is cut. Its merges follow from the ids: those
    /// must ascend in the order the merges were learned, as they do in vocabularies of Dolmen, OpenAI and Hugging Face's trainer.</summary>
    public static void SaveRanks(BpeTokenizer tokenizer, string path) => RankFile.Write(path, tokenizer);

    /// <summary>Loads a tokenizer from tokenizer.json, or else from what older models have instead.</summary>
    /// <exception cref="UserErrorException">The folder holds no tokenizer, a damaged one, or one of a kind that is not read.</exception>
    public static Tokenizer Load(string folder) => Load(folder, gguf: null);

    internal static Tokenizer Load(string folder, Func<string, Tokenizer>? gguf)
    {
        var path = Path.Combine(folder, TokenizerFile);
        var tokenizer = File.Exists(path) ? LoadFile(path)
            : VocabularySource.FindIn(folder) is { } other ? VocabularySource.OfFile(other, gguf)
            : throw new UserErrorException($"{path} does not exist: a tokenizer folder holds it. 'dolmen tokenizer train' makes one.");
        tokenizer.Template = new Lazy<ChatTemplate?>(() => ChatTemplate.Load(folder));
        return tokenizer;
    }

    /// <summary>A tokenizer.json of any name, compressed by gzip where it ends in .gz.</summary>
    internal static Tokenizer LoadFile(string path)
    {
        var bytes = JsonInput.Checked(WholeFile.Read(path, LargestFile), path);
        using var document = Document(bytes, path);
        var tokenizer = TokenizerJson.Read(document.RootElement, path, Names(Path.GetDirectoryName(path) ?? ""));
        if (tokenizer is BpeTokenizer { Steps: null, Special.User: >= 0 }) return tokenizer;
        var files = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal) { [TokenizerFile] = bytes };
        foreach (var name in (string[])[ConfigFile, SpecialTokensFile])
            if (Path.Combine(Path.GetDirectoryName(path) ?? "", name) is var beside && File.Exists(beside))
                files[name] = RegularFile.ReadAllBytes(beside);
        tokenizer.Original = files;
        return tokenizer;
    }

    /// <summary>Other people's files as they are, and what is missing beside them.</summary>
    private static void SaveOriginal(
        Tokenizer tokenizer, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files, string folder, int? contextLength)
    {
        foreach (var (name, bytes) in files)
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes.Span));
        if (!files.ContainsKey(SpecialTokensFile))
            WriteJson(Path.Combine(folder, SpecialTokensFile), json => WriteSpecialTokens(json, tokenizer));
        if (!files.ContainsKey(ConfigFile))
            WriteJson(Path.Combine(folder, ConfigFile), json => WriteConfig(json, tokenizer, contextLength));
        if (tokenizer.ChatTemplate is { } template)
            AtomicFile.WriteText(Path.Combine(folder, ChatTemplateFile), template.Source);
    }

    /// <exception cref="UserErrorException">The file is too large or is not JSON.</exception>
    internal static T Parse<T>(string path, Func<JsonElement, T> read)
    {
        var bytes = JsonInput.Checked(WholeFile.Read(path, LargestFile), path);
        using var document = Document(bytes, path);
        return read(document.RootElement);
    }

    /// <summary>A name that comes twice in an object is refused: readers differ in which of the two they take.</summary>
    private static JsonDocument Document(ReadOnlyMemory<byte> bytes, string path)
    {
        try
        {
            return JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = JsonInput.MaxDepth });
        }
        catch (JsonException error)
        {
            throw new UserErrorException(
                $"{path} is not valid JSON at line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0].TrimEnd('.')}. "
                    + "Train the tokenizer again or copy the file again.",
                error
            );
        }
    }

    /// <summary>Reads the tokens' names from tokenizer_config.json, or else from special_tokens_map.json.</summary>
    internal static TokenNames Names(string folder)
    {
        var names = new TokenNames();
        foreach (var file in (string[])[ConfigFile, SpecialTokensFile])
        {
            var path = Path.Combine(folder, file);
            if (!File.Exists(path)) continue;
            using var document = JsonInput.ReadFile(path, LargestFile);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new UserErrorException($"{path} is {root.ValueKind}: it must be a JSON object. Copy the file again.");
            names = new TokenNames(
                names.Bos ?? Name(root, "bos_token"),
                names.Eos ?? Name(root, "eos_token"),
                names.Pad ?? Name(root, "pad_token")
            );
        }
        return names;
    }

    private static string? Name(JsonElement root, string member) => root.ValueKind == JsonValueKind.Object
        && root.TryGetProperty(member, out var value) ? value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Object when value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String =>
                content.GetString(),
            _ => null,
        } : null;

    private static void WriteConfig(Utf8JsonWriter json, Tokenizer tokenizer, int? contextLength)
    {
        var llama = tokenizer is SentencePieceBpeTokenizer { DropsLeadingSpace: true };
        json.WriteBoolean("add_bos_token", tokenizer.Before.Count > 0);
        json.WriteBoolean("add_eos_token", tokenizer.After.Count > 0);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        if (llama) json.WriteBoolean("legacy", true);
        json.WritePropertyName("model_max_length");
        json.WriteRawValue(contextLength?.ToString() ?? "1000000000000000019884624838656");    // transformers' "not known"
        json.WriteString("tokenizer_class", llama ? "LlamaTokenizerFast" : "PreTrainedTokenizerFast");
        WriteSpecialTokens(json, tokenizer);
    }

    private static void WriteSpecialTokens(Utf8JsonWriter json, Tokenizer tokenizer)
    {
        var special = tokenizer.Special;
        var names = tokenizer.Added.Where(token => token.Special).ToDictionary(token => token.Id, token => token.Content);
        var said = new HashSet<int>();
        foreach (
            var (name, id) in (ReadOnlySpan<(string, int)>)
                [
                    ("bos_token", special.Bos),
                    ("eos_token", special.Eos),
                    ("pad_token", special.Pad == special.Eos ? -1 : special.Pad),
                    ("unk_token", (tokenizer as SentencePieceTokenizer)?.Unknown ?? -1),
                ]
        )
        {
            if (!names.TryGetValue(id, out var text)) continue;
            json.WriteString(name, text);
            said.Add(id);
        }
        string[] others =
        [
            .. tokenizer
                .Added.Where(token => token.Special && !said.Contains(token.Id))
                .OrderBy(token => token.Id)
                .Select(token => token.Content),
        ];
        if (others.Length == 0)
            return;
        json.WriteStartArray("additional_special_tokens");
        foreach (var name in others) json.WriteStringValue(name);
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
