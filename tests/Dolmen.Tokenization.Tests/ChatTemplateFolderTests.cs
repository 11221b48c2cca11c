using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class ChatTemplateFolderTests
{
    private static readonly JsonElement Messages = JsonDocument.Parse("""[{"role":"user","content":"hi"}]""").RootElement;
    private static readonly JsonElement Tools = JsonDocument.Parse("""[{"name":"f"}]""").RootElement;

    [Fact]
    public void A_folder_without_a_template_has_none()
    {
        using var folder = new Samples.Folder();
        Assert.Null(ChatTemplate.Load(folder.Path));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"chat_template":null}""");
        Assert.Null(ChatTemplate.Load(folder.Path));
    }

    [Fact]
    public void The_file_goes_before_the_configuration()
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("tokenizer_config.json"),
            """{"chat_template":"{{ bos_token }}config","bos_token":{"content":"<s>"},"eos_token":"</s>"}""");
        Assert.Equal("<s>config", Render(folder));
        File.WriteAllText(folder.File("chat_template.jinja"), "{{ bos_token }}file{{ eos_token }}{{ pad_token }}");
        Assert.Equal("<s>file</s>", Render(folder));
        File.WriteAllText(folder.File("special_tokens_map.json"), """{"pad_token":"<p>"}""");
        Assert.Equal("<s>file</s><p>", Render(folder));
    }

    [Fact]
    public void A_template_in_another_encoding_is_refused()
    {
        using var folder = new Samples.Folder();
        File.WriteAllBytes(folder.File("chat_template.jinja"), [.. "caf"u8, 0xE9]);
        Assert.Contains("chat_template.jinja, line 1 is not valid UTF-8 (byte 0xE9 at column 4)",
            Assert.Throws<UserErrorException>(() => ChatTemplate.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_the_one_for_tools_is_used_where_there_are_tools()
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File("tokenizer_config.json"),
            """{"chat_template":[{"name":"tool_use","template":"tools"},{"name":"default","template":"plain"}]}""");
        Assert.Equal("plain", Render(folder));
        Assert.Equal("tools", Render(folder, Tools));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"chat_template":[{"name":"rag","template":"x"}]}""");
        Assert.Contains(
            "'rag' but no 'default'",
            Assert.Throws<UserErrorException>(() => ChatTemplate.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_Dolmen_writes_it_reads()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        Assert.Equal("<|bos|><|user|>hi<|end|>", Render(folder));
    }

    [Fact]
    public void A_conversation_goes_by_the_template_beside_the_tokenizer()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Samples.Tokenizer, folder.Path);
        ChatMessage[] messages = [new("user", "hi <|end|>"), new("assistant", "yes")];
        var tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.Equal(ChatFormat.Tokenize(Samples.Tokenizer, messages).Tokens, ChatFormat.Tokenize(tokenizer, messages).Tokens);

        File.WriteAllText(folder.File("chat_template.jinja"),
            "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}");
        tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.Equal(
            "user: hi <|end|><|end|>assistant: yes<|end|>assistant: ",
            tokenizer.Decode(ChatFormat.TokenizePrompt(tokenizer, messages))
        );
        Assert.Equal(2, ChatFormat.TokenizePrompt(tokenizer, messages).Count(tokenizer.IsSpecial));
        var (tokens, mask) = ChatFormat.Tokenize(tokenizer, messages);
        Assert.Equal("yes<|end|>", tokenizer.Decode([.. tokens.Where((_, i) => mask[i])]).TrimStart());

        // Only a conversation needs it.
        File.WriteAllText(folder.File("chat_template.jinja"), "{% if %}");
        tokenizer = TokenizerFolder.Load(folder.Path);
        Assert.NotEmpty(tokenizer.Encode("hi"));
        Assert.Throws<UserErrorException>(() => ChatFormat.TokenizePrompt(tokenizer, messages));
    }

    [Theory]
    [InlineData("tokenizer_config.json", "[]", "must be a JSON object")]
    [InlineData("tokenizer_config.json", "{", "is not valid JSON")]
    [InlineData("tokenizer_config.json", """{"chat_template":7}""", "chat_template is Number")]
    [InlineData("tokenizer_config.json", """{"chat_template":[{"name":"default"}]}""", "has no member 'template'")]
    [InlineData("chat_template.jinja", "{% if %}", "chat_template.jinja, line 1")]
    public void A_damaged_file_is_named(string file, string content, string complaint)
    {
        using var folder = new Samples.Folder();
        File.WriteAllText(folder.File(file), content);
        var error = Assert.Throws<UserErrorException>(() => ChatTemplate.Load(folder.Path));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    private static string? Render(Samples.Folder folder, JsonElement? tools = null) =>
        ChatTemplate.Load(folder.Path)?.Render(new ChatInput(Messages, tools)).Text;
}
