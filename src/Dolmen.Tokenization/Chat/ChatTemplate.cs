using Dolmen.Artifacts;
using Dolmen.Templates;

namespace Dolmen.Tokenization;

/// <summary>
/// A model's chat template: Jinja as transformers sets it up, with <c>{% generation %}</c>, <c>raise_exception</c>, <c>strftime_now</c>
/// and <c>tojson</c>. It is read once and rendered from any number of threads. Rendering touches no file, no clock but the one given and
/// no .NET object, and costs a bounded number of steps and characters.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The most characters of a template's text; the longest in use has 30 000.</summary>
    public const int Longest = 512 << 10;

    /// <summary>A longer name is not a misspelt one.</summary>
    private const int LongestName = 64;

    private readonly Template _template;
    private readonly ChatTemplate? _withTools;

    private ChatTemplate(string name, string source, Template template, IReadOnlyDictionary<string, string> controlTokens,
        ChatTemplate? withTools) =>
        (Name, Source, _template, ControlTokens, _withTools) = (name, source, template, controlTokens, withTools);

    /// <summary>The file it came from, for messages.</summary>
    public string Name { get; }

    public string Source { get; }

    /// <summary>What <c>bos_token</c>, <c>eos_token</c> and the like stand for in it.</summary>
    public IReadOnlyDictionary<string, string> ControlTokens { get; }

    /// <param name="template">Its text.</param>
    /// <param name="controlTokens">Names such as <c>bos_token</c> and the tokens they stand for.</param>
    /// <param name="name">For complaints.</param>
    /// <exception cref="UserErrorException">It breaks Jinja's rules; the line is named.</exception>
    public static ChatTemplate Parse(string template, IReadOnlyDictionary<string, string>? controlTokens = null,
        string name = "The chat template") => Parse(template, controlTokens, name, null);

    internal static ChatTemplate Parse(
        string template,
        IReadOnlyDictionary<string, string>? controlTokens,
        string name,
        ChatTemplate? withTools
    )
    {
        if (template.Length > Longest)
            throw new UserErrorException($"{name} has {template.Length} characters: a chat template has at most {Longest}.");
        try
        {
            return new ChatTemplate(name, template, Template.Parse(template),
                controlTokens ?? new Dictionary<string, string>(StringComparer.Ordinal), withTools);
        }
        catch (TemplateException error)
        {
            throw new UserErrorException($"{name}, line {error.Line}: {error.Message}{Suggestion(error)}.", error);
        }
    }

    /// <summary>The template of a model folder; null where it has none. See <see cref="ChatTemplateFolder"/>.</summary>
    /// <exception cref="UserErrorException">It is damaged.</exception>
    public static ChatTemplate? Load(string folder) => ChatTemplateFolder.Load(folder);

    /// <param name="input">The conversation.</param>
    /// <param name="clock">For <c>strftime_now</c>, which is given the time in UTC; the system's where none is given.</param>
    /// <exception cref="UserErrorException">The template refuses the conversation, or cannot render it.</exception>
    public RenderedChat Render(ChatInput input, TimeProvider? clock = null)
    {
        if (input.HasTools && _withTools is not null) return _withTools.Render(input, clock);
        Text text;
        try
        {
            text = _template.Render(input.ToScope(ControlTokens), clock ?? TimeProvider.System);
        }
        catch (TemplateException error) when (error.Raised)
        {
            throw new UserErrorException($"{Name} refuses this conversation: {error.Message}", error);
        }
        catch (TemplateException error)
        {
            throw new UserErrorException($"{Name}, line {error.Line}: {error.Message.TrimEnd('.')}{Suggestion(error)}.", error);
        }
        return new RenderedChat(text.Value, Spans(text, Origin.Generated), Spans(text, Origin.Data))
        {
            FromOthers = Spans(text, Origin.Others),
        };
    }

    /// <summary>The conversation as the model reads it. Nothing in a message becomes a control token: see
    /// <see cref="ChatTokens"/>.</summary>
    /// <exception cref="UserErrorException">As <see cref="Render"/>.</exception>
    public int[] TokenizePrompt(Tokenizer tokenizer, ChatInput input, TimeProvider? clock = null) =>
        ChatTokens.Encode(Render(input, clock), tokenizer, Source, []).Tokens;

    /// <summary>The same with the assistant's tokens marked. They are those within <c>{% generation %}</c>; where the template has no such
    /// tag, those that an assistant's message adds to the conversation before it and the opening of its turn.</summary>
    /// <exception cref="UserErrorException">As <see cref="Render"/>; or the template has no such tag and writes earlier messages otherwise
    /// once others follow.</exception>
    public TokenizedConversation Tokenize(Tokenizer tokenizer, ChatInput input, TimeProvider? clock = null)
    {
        var chat = Render(input, clock);
        return ChatTokens.Encode(chat, tokenizer, Source, MarksGeneration ? chat.Generated : Added(chat, input, clock));
    }

    private static string Suggestion(TemplateException error) =>
        error.UnknownName is { Length: < LongestName } name && NearestName.Of(name, error.KnownNames) is { } near
            ? $": did you mean '{near}'?"
            : "";

    private bool MarksGeneration => Source.Contains("endgeneration", StringComparison.Ordinal);

    private List<TextSpan> Added(RenderedChat whole, ChatInput input, TimeProvider? clock)
    {
        var spans = new List<TextSpan>();
        for (var i = 0; i < input.MessageCount; i++)
        {
            if (!input.IsAssistant(i)) continue;
            var before = Render(input.First(i, addGenerationPrompt: true), clock).Text;
            var after = Render(input.First(i + 1, addGenerationPrompt: false), clock).Text;
            if (!after.StartsWith(before, StringComparison.Ordinal) || !whole.Text.StartsWith(after, StringComparison.Ordinal))
                throw new UserErrorException(
                    $"{Name} does not tell which words are the assistant's: it has no {{% generation %}} tag, and "
                        + $"message {i + 1} reads otherwise within the conversation than at its end. Put {{% generation %}} and "
                        + "{% endgeneration %} around what the assistant says in the template."
                );
            spans.Add(new TextSpan(before.Length, after.Length - before.Length));
        }
        return spans;
    }

    private static List<TextSpan> Spans(Text text, Origin origin)
    {
        var spans = new List<TextSpan>();
        for (var i = 0; i < text.Marks.Length; i++)
        {
            if (!text.Marks[i].Origin.HasFlag(origin)) continue;
            var start = text.Marks[i].Start;
            while (i + 1 < text.Marks.Length && text.Marks[i + 1].Origin.HasFlag(origin)) i++;
            var end = i + 1 < text.Marks.Length ? text.Marks[i + 1].Start : text.Length;
            if (end > start) spans.Add(new TextSpan(start, end - start));
        }
        return spans;
    }
}
