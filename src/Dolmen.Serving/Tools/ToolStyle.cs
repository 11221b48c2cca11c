using Dolmen.Tokenization;

namespace Dolmen.Serving.Tools;

/// <summary>How a model writes calls of tools.</summary>
internal enum ToolStyle
{
    /// <summary>Each call as JSON between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>, text beside it: Hermes, Qwen and
    /// Dolmen's own format.</summary>
    Tagged,

    /// <summary>The whole answer is the JSON of a call, or a list of calls: Llama 3 and Mistral, whose marks before it are control
    /// tokens.</summary>
    WholeAnswer,
}

internal static class ToolStyles
{
    public const string Open = "<tool_call>", Close = "</tool_call>";

    /// <summary>As the model's chat template teaches it; null where the template knows nothing of tools.</summary>
    public static ToolStyle? Of(Tokenizer tokenizer)
    {
        if (ChatFormat.TemplateOf(tokenizer) is not { } template) return ToolStyle.Tagged;
        if (!template.Source.Contains("tools", StringComparison.Ordinal)) return null;
        return template.Source.Contains(Open, StringComparison.Ordinal) ? ToolStyle.Tagged : ToolStyle.WholeAnswer;
    }

    /// <summary>The name under which the model writes the arguments.</summary>
    public static string ArgumentsKey(Tokenizer tokenizer) =>
        ChatFormat.TemplateOf(tokenizer) is { } template && template.Source.Contains("ipython", StringComparison.Ordinal)
            && template.Source.Contains("\"parameters\"", StringComparison.Ordinal) ? "parameters" : "arguments";
}
