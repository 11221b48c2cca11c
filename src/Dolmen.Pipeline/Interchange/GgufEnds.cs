using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline.Interchange;

/// <summary>Where a text ends as GGUF says it: an end of text, of a turn and of a message, one id each. llama.cpp ends it at further tokens
/// that it knows by their text; on import those are listed with the others, so that a model ends where it does there.</summary>
internal static class GgufEnds
{
    private const string MessageText = "<|eom_id|>";

    /// <summary>The ids of a model as GGUF's keys. What a key of the model's own names stays under that key; of the other ids, those the
    /// format has no place for and llama.cpp does not know by text are noted.</summary>
    public static IEnumerable<(string Key, GgufValue Value)> Of(Tokenizer tokenizer, GenerationSettings settings, Action<string>? note)
    {
        var eos = tokenizer.Special.Eos >= 0 ? tokenizer.Special.Eos : settings.Ends.FirstOrDefault(-1);
        var names = tokenizer.Added.ToLookup(token => token.Id, token => token.Content);
        var left = settings.Ends.Where(id => id != eos && id < tokenizer.VocabSize).ToList();
        var turn = settings.EndOfTurn ?? (tokenizer.Special.User >= 0 ? tokenizer.Special.End : TurnEnd.Of(tokenizer) ?? -1);
        var message = settings.EndOfMessage ?? left.FirstOrDefault(id => names[id].Contains(MessageText), -1);
        left.RemoveAll(id => id == turn || id == message);
        if (turn < 0 || (turn == eos && settings.EndOfTurn is null)) turn = Take(left);
        if (message < 0 && left.Count > 0 && !left.TrueForAll(id => names[id].Any(GgufTokenizer.EndTexts.Contains))) message = Take(left);
        if (eos >= 0) yield return ("tokenizer.ggml.eos_token_id", GgufValue.Of((uint)eos));
        if (turn >= 0) yield return (GgufTokenizer.TurnKey, GgufValue.Of((uint)turn));
        if (message >= 0) yield return (GgufTokenizer.MessageKey, GgufValue.Of((uint)message));
        if (settings.Suppressed.Count > 0) yield return (GgufTokenizer.SuppressedKey, GgufValue.Of(settings.Suppressed.ToArray()));
        int[] lost = [.. left.Where(id => !names[id].Any(GgufTokenizer.EndTexts.Contains))];
        if (lost.Length > 0)
        {
            note?.Invoke(
                $"The model also ends its text at {string.Join(", ", lost.Select(id => $"{id} {names[id].FirstOrDefault()}".TrimEnd()))}, "
                    + "for which GGUF has no key: give other software these as stop strings."
            );
        }
    }

    private static int Take(List<int> ids)
    {
        if (ids.Count == 0) return -1;
        var id = ids[0];
        ids.RemoveAt(0);
        return id;
    }
}
