using Dolmen.Inference;

namespace Dolmen.Serving;

/// <summary>Writes an answer in pieces, each a server-sent event without the blank line that ends it. Not thread-safe.</summary>
internal interface IStreamedAnswer
{
    /// <summary>Takes a token, which is kept until the next piece of its choice's text goes out.</summary>
    void Add(int choice, TokenLogprob token);

    /// <summary>What is sent for a piece of a choice's text; the first one of a choice also opens it.</summary>
    IEnumerable<string> Piece(int choice, string text);

    /// <summary>What is sent when a choice is complete.</summary>
    IEnumerable<string> Closing(int choice, GenerationResult result);

    /// <summary>What is sent when all choices are.</summary>
    IEnumerable<string> End(IReadOnlyList<GenerationResult> results);

    /// <summary>What is sent instead of the rest when something went wrong after the stream had begun.</summary>
    string Failed(ApiError error);
}
