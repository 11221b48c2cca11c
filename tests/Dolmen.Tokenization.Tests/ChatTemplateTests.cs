using System.Diagnostics;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class ChatTemplateTests
{
    private static readonly JsonElement[] Golden =
        [.. File.ReadLines(Path.Combine(Samples.Goldens, "chat-templates.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];

    [Fact]
    public void Every_construct_renders_as_jinja2_renders_it()
    {
        var shared = Golden[0];
        var tokens = shared
            .GetProperty("tokens")
            .EnumerateObject()
            .ToDictionary(token => token.Name, token => token.Value.GetString() ?? "");
        var input = new ChatInput(shared.GetProperty("messages"), shared.GetProperty("tools")) { AddGenerationPrompt = true };
        foreach (var variable in shared.GetProperty("variables").EnumerateObject()) input.With(variable.Name, variable.Value);
        Assert.True(Golden.Length > 200);
        foreach (var row in Golden.Skip(1))
        {
            var template = row.GetProperty("template").GetString() ?? "";
            if (row.TryGetProperty("fails", out _))
            {
                Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(template, tokens).Render(input, Clock.Instance));
                continue;
            }
            var chat = ChatTemplate.Parse(template, tokens).Render(input, Clock.Instance);
            Assert.Equal(row.GetProperty("text").GetString(), chat.Text);
            int[][] spans = row.TryGetProperty("generated", out var generated)
                ? [.. generated.EnumerateArray().Select(span => span.EnumerateArray().Select(place => place.GetInt32()).ToArray())] : [];
            Assert.Equal(spans, chat.Generated.Select(span => new[] { span.Start, span.End }));
        }
    }

    [Fact]
    public void Dolmens_own_template_renders_the_same_through_the_engine()
    {
        var template = ChatTemplate.Parse(ChatFormat.JinjaTemplate, new Dictionary<string, string> { ["bos_token"] = "<|bos|>" });
        foreach (
            var row in File.ReadLines(Path.Combine(Samples.Goldens, "huggingface-chat.jsonl"))
                .Select(line => JsonDocument.Parse(line).RootElement)
        )
        {
            var prompt = row.GetProperty("addGenerationPrompt").GetBoolean();
            ChatMessage[] messages = [.. row.GetProperty("messages").EnumerateArray().Select(message =>
                new ChatMessage(message.GetProperty("role").GetString() ?? "", message.GetProperty("content").GetString() ?? ""))];
            var input = new ChatInput(messages) { AddGenerationPrompt = prompt };
            Assert.Equal(row.GetProperty("text").GetString(), template.Render(input).Text);
            var (tokens, mask) = template.Tokenize(Samples.Tokenizer, input);
            if (prompt)
            {
                Assert.Equal(ChatFormat.TokenizePrompt(Samples.Tokenizer, messages), tokens);
                continue;
            }
            var own = ChatFormat.Tokenize(Samples.Tokenizer, messages);
            Assert.Equal(own.Tokens, tokens);
            Assert.Equal(own.LossMask, mask);
        }
    }

    [Theory]
    [InlineData("a\n{{ messages | tojsn }}", "line 2: there is no filter 'tojsn': did you mean 'tojson'?")]
    [InlineData("{% fr x in messages %}", "line 1: there is no tag 'fr': did you mean 'for'?")]
    [InlineData(
        "a\nb\n{% for m in messages %}\n{{ m.content.x.y }}",
        "line 3: the block that begins here never ends: '{% endfor %}' is missing"
    )]
    [InlineData("\n\n{{ messages[0].nothing.x }}", "line 3: a dictionary has no member 'nothing', so it has no member 'x'")]
    [InlineData("{{ messages.append(1) }}", "'append' would change a list")]
    [InlineData("{{ raise_exception('Only tools.') }}", "refuses this conversation: Only tools.")]
    [InlineData("{% include '/etc/passwd' %}", "would read another file")]
    [InlineData("{{ messages.__class__.__mro__ }}", "'__class__' is closed to templates")]
    [InlineData("{{ messages.GetType() }}", "a list has no member 'GetType'")]
    [InlineData("{{ '{ -1 }'.format(2) }}", "format was given no value named ' -1 '")]
    public void A_complaint_names_the_line_and_what_was_meant(string template, string complaint)
    {
        var error = Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(template, name: "x.jinja").Render(Hello));
        Assert.StartsWith("x.jinja", error.Message, StringComparison.Ordinal);
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "characters")]
    [InlineData("{{ 'x' * 999999999 }}", "characters")]
    [InlineData("{{ '%99999999999d' % 1 }}", "wider")]
    [InlineData("{{ [1] * 999999999 }}", "steps")]
    [InlineData("{{ 9 ** 99999 }}", "bits")]
    [InlineData("{{ range(10 ** 9) }}", "too long")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels deep")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(70) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", "steps")]
    [InlineData(
        "{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        "levels deep"
    )]
    [InlineData(
        "{% set a = namespace(l=1) %}{% set b = namespace(l=1) %}{% for i in range(70) %}{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] "
            + "%}{% endfor %}{{ a.l == b.l }}",
        "steps"
    )]
    [InlineData("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "levels deep")]
    [InlineData("{% set a = 'a' * 9999999 %}{{ (a + 'b') in (a * 3) }}", "steps")]
    [InlineData("{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}", "characters")]
    public void No_template_runs_on(string template, string complaint)
    {
        var watch = Stopwatch.StartNew();
        var error = Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(template).Render(Hello));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    [Fact]
    public void Deep_nesting_is_refused_and_long_flat_templates_are_not()
    {
        foreach (
            var (open, close) in new[] { ("(", ")"), ("[", "]"), ("{1:", "}"), ("not ", ""), ("-", ""), ("1 if 1 else ", "1"), ("f(", ")") }
        )
        {
            var text =
                "{{ " + string.Concat(Enumerable.Repeat(open, 20_000)) + "1" + string.Concat(Enumerable.Repeat(close, 20_000)) + " }}";
            Assert.Contains(
                "levels deep",
                Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(text).Render(Hello)).Message,
                StringComparison.Ordinal
            );
        }
        var sum = "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 20_000)) + " }}";
        Assert.Contains(
            "levels deep",
            Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(sum).Render(Hello)).Message,
            StringComparison.Ordinal
        );
        var blocks = string.Concat(Enumerable.Repeat("{% if true %}", 20_000));
        Assert.Contains(
            "levels deep",
            Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(blocks)).Message,
            StringComparison.Ordinal
        );
        var flat = string.Concat(Enumerable.Repeat("{% if true %}x{% endif %}", 10_000));
        Assert.Equal(10_000, ChatTemplate.Parse(flat).Render(Hello).Text.Length);
        Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(new string('x', ChatTemplate.Longest + 1)));
    }

    [Theory]
    [InlineData("{{ messages[0].content }}", "hi")]
    [InlineData("<{{ messages[0].content | upper }}>", "HI")]
    [InlineData("{{ '[' + messages[0].content + ']' }}", "hi")]
    [InlineData("{{ ('[' ~ messages[0].content ~ ']') | replace('h', '!') }}", "i")]
    [InlineData("{{ ('  ' + messages[0].content + 'x  ').strip()[:-1] }}", "hi")]
    [InlineData("{{ messages[0] | tojson }}", "hi")]
    [InlineData("{{ 'a%sb' % messages[0].content }}{{ '{}'.format(messages[0].content) }}", "hi|hi")]
    [InlineData("{% set x %}({{ messages[0].content }}){% endset %}{{ x | title }}", "Hi")]
    [InlineData("{% macro f(x) %}-{{ x }}-{% endmacro %}{{ f(messages[0].content) }}", "hi")]
    [InlineData("{{ messages[0].role }}", "")]
    public void Every_character_knows_where_it_comes_from(string template, string expected)
    {
        var chat = ChatTemplate.Parse(template).Render(Hello);
        Assert.Equal(expected, string.Join("|", chat.FromData.Select(span => chat.Text.Substring(span.Start, span.Length))));
    }

    [Theory]
    [InlineData("{{ none[:3] }}", "")]
    [InlineData("{{ 5[:2] }}", "")]
    [InlineData("{{ 5.5[1:] }}{{ true[::2] }}{{ {'a':1}[:1] }}", "")]
    [InlineData("{{ 'abc'['a':] }}{{ 'abc'[1.0:] }}", "")]
    [InlineData("{{ none[:3] is defined }}", "False")]
    [InlineData("{{ none[:3] | default('d') }}", "d")]
    [InlineData("{% if none[:3] is defined %}a{% else %}b{% endif %}", "b")]
    [InlineData("{% set x = none[:3] is defined %}{{ x }}", "False")]
    [InlineData("{% for x in none[:3] | default([1, 2]) %}{{ x }}{% endfor %}", "12")]
    [InlineData("{{ 'abc'[true:] }}", "bc")]
    [InlineData("{{ 'abc'[99999999999999999999:] }}|{{ 'abcdef'[-99999999999999999999:2] }}", "|ab")]
    [InlineData("{{ none[:1] ~ 'q' }}", "q")]
    public void A_constant_slice_of_what_has_none_is_undefined(string template, string expected) =>           // Jinja2 3.1.6
        Assert.Equal(expected, ChatTemplate.Parse(template).Render(Hello).Text);

    [Theory]
    [InlineData("{% set x = none %}{{ x[:3] }}")]
    [InlineData("{{ 'abc'[x:] }}")]
    [InlineData("{{ {'a':1}.items()[:1] }}")]
    [InlineData("{% if none[:1] %}a{% endif %}")]
    [InlineData("{% set x = none[:3] %}{{ x }}")]
    [InlineData("{{ 'abc'[::0] }}")]
    public void Any_other_slice_of_what_has_none_is_an_error(string template) =>           // as Jinja2 3.1.6 has it
        Assert.Throws<UserErrorException>(() => ChatTemplate.Parse(template).Render(Hello));

    [Fact]
    public void The_clock_is_the_one_given() =>
        Assert.Equal("04 Mar 2025", ChatTemplate.Parse("{{ strftime_now('%d %b %Y') }}").Render(Hello, Clock.Instance).Text);

    [Fact]
    public void Malformed_input_is_refused()
    {
        static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
        Assert.Throws<UserErrorException>(() => new ChatInput(Json("{}")));
        Assert.Throws<UserErrorException>(() => new ChatInput(Json("[1]")));
        Assert.Throws<UserErrorException>(() => new ChatInput(Json("""[{"content":"x"}]""")));
        Assert.Throws<UserErrorException>(() => new ChatInput(Json("""[{"role":"user","content":"\ud800"}]""")));
        Assert.Throws<UserErrorException>(() => new ChatInput(Json("[]"), Json("3")));
    }

    private static ChatInput Hello => new([new ChatMessage("user", "hi")]);

    private sealed class Clock : TimeProvider
    {
        public static readonly Clock Instance = new();

        public override DateTimeOffset GetUtcNow() => new(2025, 3, 4, 15, 6, 7, TimeSpan.Zero);
    }
}
