using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Where model folders keep chat templates: <c>chat_template.jinja</c> (and <c>additional_chat_templates/tool_use.jinja</c> beside it), or
/// <c>chat_template</c> in <c>tokenizer_config.json</c>, one text or a list of {name, template}. Of several, "tool_use" is used where tools
/// are given and "default" otherwise. Control tokens are named in <c>special_tokens_map.json</c> and <c>tokenizer_config.json</c>.
/// </summary>
internal static class ChatTemplateFolder
{
    private const string TemplateFile = "chat_template.jinja";
    private const string ConfigFile = "tokenizer_config.json";
    private const string SpecialTokensFile = "special_tokens_map.json";
    private const long LargestConfig = 64 << 20;

    public static ChatTemplate? Load(string folder)
    {
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        ReadObject(Path.Combine(folder, SpecialTokensFile), member => AddToken(tokens, member));
        var (inConfig, configPath) = (new Dictionary<string, string>(StringComparer.Ordinal), Path.Combine(folder, ConfigFile));
        ReadObject(configPath, member =>
        {
            if (member.Name == "chat_template") ReadTemplates(member.Value, configPath, inConfig);
            else AddToken(tokens, member);
        });

        var path = Path.Combine(folder, TemplateFile);
        if (File.Exists(path))
        {
            var toolPath = Path.Combine(folder, "additional_chat_templates", "tool_use.jinja");
            var withTools = File.Exists(toolPath) ? ChatTemplate.Parse(ReadText(toolPath), tokens, toolPath) : null;
            return ChatTemplate.Parse(ReadText(path), tokens, path, withTools);
        }
        if (inConfig.Count == 0) return null;
        if (!inConfig.TryGetValue("default", out var text))
            throw new UserErrorException(
                $"{configPath}: chat_template has {string.Join(", ", inConfig.Keys.Select(name => $"'{name}'"))} but "
                    + "no 'default'. Write the one to use to chat_template.jinja in the same folder."
            );
        return ChatTemplate.Parse(
            text,
            tokens,
            $"{configPath}: chat_template",
            inConfig.TryGetValue("tool_use", out var tool)
                ? ChatTemplate.Parse(tool, tokens, $"{configPath}: chat_template 'tool_use'")
                : null
        );
    }

    private static void ReadTemplates(JsonElement value, string path, Dictionary<string, string> templates)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            templates["default"] = value.GetString() ?? "";
            return;
        }
        if (value.ValueKind == JsonValueKind.Null) return;
        var field = new JsonField(value, path, "chat_template");
        foreach (var item in field.Items()) templates[item.Get("name").Text()] = item.Get("template").Text();
    }

    /// <summary>A token is named by its text, or by an object that has it as <c>content</c>.</summary>
    private static void AddToken(Dictionary<string, string> tokens, JsonProperty member)
    {
        if (!member.Name.EndsWith("_token", StringComparison.Ordinal))
            return;
        var content =
            member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("content", out var inner) ? inner : member.Value;
        if (content.ValueKind == JsonValueKind.String)
            tokens[member.Name] = content.GetString() ?? "";
    }

    private static void ReadObject(string path, Action<JsonProperty> read)
    {
        if (!File.Exists(path)) return;
        using var document = JsonInput.ReadFile(path, LargestConfig);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new UserErrorException($"{path} is {document.RootElement.ValueKind}: it must be a JSON object. Copy the file again.");
        foreach (var member in document.RootElement.EnumerateObject()) read(member);
    }

    private static string ReadText(string path)
    {
        var size = new FileInfo(path).Length;
        return size <= 4L * ChatTemplate.Longest ? StrictText.DecodeWhole(RegularFile.ReadAllBytes(path), path)
            : throw new UserErrorException($"{path} has {size} bytes: a chat template has at most {4L * ChatTemplate.Longest}.");
    }
}
