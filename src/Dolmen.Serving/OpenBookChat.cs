using Dolmen.Retrieval;
using Dolmen.Serving.Tools;

namespace Dolmen.Serving;

/// <summary>Looks up what the user said last and writes the passages into that message.</summary>
internal static class OpenBookChat
{
    /// <returns>The prompt, and the passages in it: null where documents were not asked for. Where not all fit beside room for an answer,
    /// the last ones are left out; one stays, whatever becomes of the prompt.</returns>
    /// <param name="withText">Also the prompt's text.</param>
    public static (Prompt Prompt, IReadOnlyList<FoundPassage>? Passages) Read(
        RequestFields fields, ServedModel served, ToolUse? tools, bool withText = false)
    {
        var count = DocumentsField.Read(fields, served);
        if (count == 0 || served.Documents is not { } index || ChatPrompt.LastQuestion(fields) is not { } question)
            return (ChatPrompt.Read(fields, served, tools, withText), null);
        var book = OpenBook.Of(index, question, count);
        var context = served.Model.Config.ContextLength;
        var answer = fields.Integer("max_completion_tokens", 1, int.MaxValue) ?? fields.Integer("max_tokens", 1, int.MaxValue) ?? context;
        for (var passages = book.Passages.Count; ; passages--)
        {
            var prompt = ChatPrompt.Read(fields, served, tools, withText, book.Prompt(passages));
            if (passages <= 1 || prompt.Tokens.Length + Math.Min(answer, context / 4) <= context)
                return (prompt, [.. book.Passages.Take(passages)]);
        }
    }
}
