using System.Text;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Inference.Constraints;

/// <summary>Draws texts under a constraint as a model does that finds every token equally likely.</summary>
internal static class ConstrainedText
{
    /// <summary>The whole text, or null where it was not complete after <paramref name="tokens"/> tokens.</summary>
    public static string? Draw(TextConstraint constraint, Tokenizer tokenizer, ulong seed, int tokens = 400)
    {
        var (cursor, random, bytes) = (constraint.Begin(), new StableRandom(seed), new List<byte>());
        var logits = new float[tokenizer.VocabSize];
        int[] ends = [tokenizer.Special.Eos];
        for (var remaining = tokens; remaining > 0; remaining--)
        {
            Array.Clear(logits);
            if (!cursor.Apply(logits, remaining, ends)) break;
            var possible = Enumerable.Range(0, logits.Length).Where(token => logits[token] == 0).ToList();
            var token = possible[(int)(random.NextDouble() * possible.Count)];
            if (ends.Contains(token)) break;
            cursor.Advance(token);
            bytes.AddRange(tokenizer.BytesOf(token));
        }
        return cursor.MayEnd ? new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]) : null;
    }

    /// <summary>Whether the text can be written byte by byte under the constraint and end there.</summary>
    public static bool Allows(TextConstraint constraint, string text)
    {
        var cursor = constraint.Begin();
        var logits = new float[new Fakes.PieceTokenizer().VocabSize];
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            Array.Clear(logits);
            if (!cursor.Apply(logits, int.MaxValue, []) || logits[value] != 0) return false;
            cursor.Advance(value);
        }
        return cursor.MayEnd;
    }
}
