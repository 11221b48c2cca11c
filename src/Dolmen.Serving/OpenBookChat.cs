using Dolmen.Retrieval;
using Dolmen.Serving.Tools;
using Dolmen.Tokenization;

namespace Dolmen.Serving;

/// <summary>Looks up what the user said last and writes the passages into that message.</summary>
internal static class OpenBookChat
{
    /// <returns>The prompt, and the passages in it: null where documents were not looked at. Where not all fit beside room for an answer,
    /// the last ones are left out; one stays where the request asks for documents, whatever becomes of the prompt.</returns>
    /// <param name="withText">Also the prompt's text.</param>
    public static (Prompt Prompt, CitedPassages? Passages) Read(
        RequestFields fields, ServedModel served, ToolUse? tools, bool withText = false)
    {
        var (count, isAsked) = DocumentsField.Read(fields, served);
        var alone = ChatPrompt.Read(fields, served, tools, withText);
        if (count == 0 || served.Documents is not { } index || ChatPrompt.LastQuestion(fields) is not { } question) return (alone, null);
        var context = served.Model.Config.ContextLength;
        if (alone.Tokens.Length >= context) return (alone, new CitedPassages([]));       // too long, whatever would be found
        var answer = fields.Integer("max_completion_tokens", 1, int.MaxValue) ?? fields.Integer("max_tokens", 1, int.MaxValue) ?? context;
        var room = context - Math.Min(answer, context / 4);
        var book = OpenBook.Of(index, question, count);
        var least = isAsked ? Math.Min(1, book.Passages.Count) : 0;
        for (var passages = Math.Max(least, Fitting(book, served.Tokenizer, room - alone.Tokens.Length)); passages > 0; passages--)
        {
            // Counted for certain: tokens may join where passages and question meet.
            var prompt = ChatPrompt.Read(fields, served, tools, withText, book.Prompt(passages));
            if (passages == least || prompt.Tokens.Length <= room)
                return (prompt, new CitedPassages([.. book.Passages.Take(passages)]));
        }
        return (alone, new CitedPassages([]));
    }

    /// <summary>How many of the passages have no more than so many tokens together.</summary>
    private static int Fitting(OpenBook book, Tokenizer tokenizer, long tokens)
    {
        var fitting = 0;
        foreach (var found in book.Passages)
        {
            tokens -= tokenizer.Encode(OpenBookPrompt.Of([found.Passage], "")).Length;
            if (tokens < 0) break;
            fitting++;
        }
        return fitting;
    }
}
