using System.Runtime.CompilerServices;
using Dolmen.Tokenization;

namespace Dolmen.Inference.Constraints;

/// <summary>The bytes of all tokens that stand for text, sorted, so that tokens with a common beginning are tried together.</summary>
internal sealed class VocabularyBytes
{
    private static readonly ConditionalWeakTable<Tokenizer, VocabularyBytes> Known = [];

    private readonly byte[] _bytes;
    private readonly Entry[] _sorted;

    private VocabularyBytes(Tokenizer tokenizer)
    {
        Count = tokenizer.VocabSize;
        var tokens = new List<(byte[] Bytes, int Token)>();
        for (var token = 0; token < Count; token++)
        {
            if (tokenizer.IsSpecial(token) || token == tokenizer.Unknown) continue;
            if (tokenizer.BytesOf(token) is { Length: > 0 } bytes) tokens.Add((bytes.ToArray(), token));
        }
        tokens.Sort((a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes) is not 0 and var order ? order : a.Token.CompareTo(b.Token));
        _bytes = new byte[tokens.Sum(token => token.Bytes.Length)];
        _sorted = new Entry[tokens.Count];
        for (int i = 0, at = 0; i < tokens.Count; i++)
        {
            var bytes = tokens[i].Bytes;
            bytes.CopyTo(_bytes, at);
            var shared = i == 0 ? 0 : bytes.AsSpan().CommonPrefixLength(tokens[i - 1].Bytes);
            _sorted[i] = new Entry(tokens[i].Token, at, bytes.Length, shared);
            at += bytes.Length;
            Longest = Math.Max(Longest, bytes.Length);
        }
    }

    /// <summary>Ids of the vocabulary, special tokens included.</summary>
    public int Count { get; }

    /// <summary>Bytes of the longest token.</summary>
    public int Longest { get; }

    /// <summary>Of a tokenizer, found once.</summary>
    public static VocabularyBytes Of(Tokenizer tokenizer) => Known.GetValue(tokenizer, static key => new VocabularyBytes(key));

    /// <summary>Calls <paramref name="allow"/> with every token whose bytes may follow, and where it leads.</summary>
    public void Walk(GrammarMachine machine, GrammarPlace place, Action<int, GrammarPlace> allow)
    {
        // The place after each byte of the token before, as far as it was followed.
        var places = new GrammarPlace[Longest + 1];
        places[0] = place;
        var followed = 0;
        foreach (var entry in _sorted)
        {
            // The token before failed within what this one shares with it.
            if (entry.Shared > followed) continue;
            var at = entry.Shared;
            while (at < entry.Length && machine.Next(places[at], _bytes[entry.Start + at]) is { } next) places[++at] = next;
            followed = at;
            if (at == entry.Length) allow(entry.Token, places[at]);
        }
    }

    /// <param name="Shared">Bytes in common with the token before.</param>
    private readonly record struct Entry(int Token, int Start, int Length, int Shared);
}
