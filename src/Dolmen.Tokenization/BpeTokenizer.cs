using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>How a byte-level vocabulary is used.</summary>
/// <param name="Split">Cuts text into the pieces within which merges happen.</param>
/// <param name="WholePieces">A piece that is a token is that token, whatever merging would give.</param>
/// <param name="RankedTokens">Merges are ranked by the token they give, as tiktoken's vocabularies are, not each by its own place.</param>
/// <param name="SpaceBefore">A text that begins without a space gets one.</param>
internal sealed record BpeRules(PreTokenizer Split, bool WholePieces = false, bool RankedTokens = false, bool SpaceBefore = false);

/// <summary>
/// Byte-level byte pair encoding (Sennrich et al. 2016; on bytes: Radford et al. 2019). Every byte is a token, so every byte sequence
/// can be encoded and comes back unchanged. Safe to use from several threads at once.
/// </summary>
public sealed class BpeTokenizer : VocabularyTokenizer
{
    /// <summary>Ids a vocabulary holds before its first merge: all bytes and the special tokens.</summary>
    public static int SmallestVocabSize => 256 + SpecialTokens.Names.Count;

    /// <summary>Far beyond any vocabulary in use; bounds what a damaged file can ask for.</summary>
    public const int LargestVocabSize = 1 << 21;

    /// <summary>A longer text's ends are not kept for the next one.</summary>
    private const int MostEnds = 1 << 20;

    private const byte NotAsked = 0, Reached = 1, NotReached = 2;

    private readonly int[] _byteTokens = new int[256];
    private readonly BpeMerge[] _merges;
    private readonly MergeTable _table;
    private readonly PieceTable _pieces;
    private readonly byte[] _reached;            // by id: whether merging its bytes gives it
    private readonly ConcurrentBag<Workspace> _workspaces = [];

    private sealed record Workspace(WordCache Words, List<int> Ends);

    /// <summary>One of Dolmen's own.</summary>
    /// <param name="bytes">Of every id; of a special token its name.</param>
    /// <param name="merges">In the order they were learned.</param>
    /// <param name="special">Their ids.</param>
    /// <param name="split">That of o200k when left out.</param>
    internal BpeTokenizer(byte[][] bytes, BpeMerge[] merges, SpecialTokens special, PreTokenizer? split = null)
        : this(OfOurs(bytes, special), merges, new BpeRules(split ?? PreTokenizer.O200k))
    {
    }

    internal BpeTokenizer(Vocabulary vocabulary, BpeMerge[] merges, BpeRules rules) : base(vocabulary)
    {
        (_merges, Rules) = (merges, rules);
        var added = Added.Select(token => token.Id).ToHashSet();
        _pieces = new PieceTable(Bytes, added);
        for (var value = 0; value < 256; value++) _byteTokens[value] = _pieces.Find([(byte)value]);
        _table = new MergeTable(merges, rules.RankedTokens);
        _reached = new byte[VocabSize];
        if (rules.WholePieces) Array.Fill(_reached, Reached);
    }

    /// <summary>The merges in the order they were learned, which is the order they are applied in.</summary>
    public IReadOnlyList<BpeMerge> Merges => _merges;

    internal BpeRules Rules { get; }

    public PreTokenizer Split => Rules.Split;

    /// <summary>Tokens and merges as vocabulary files write them since GPT-2 ("Ġthe", "Ġ the").</summary>
    public (string[] Tokens, string[] Merges) ToTexts()
    {
        var texts = Array.ConvertAll(Bytes, bytes => ByteAlphabet.ToText(bytes));
        foreach (var token in Added) texts[token.Id] = token.Content;
        return (texts, [.. _merges.Select(merge => $"{texts[merge.Left]} {texts[merge.Right]}")]);
    }

    /// <summary>Whether letters and accents that follow each other become one character before a text is cut (Unicode's form
    /// NFC).</summary>
    public bool Composes => Normalizer is { } normalizer && normalizer.Apply("e\u0301") == "\u00E9";

    /// <summary>What software that is told only the split and the merges would do otherwise; null where nothing is.</summary>
    /// <param name="wholePieces">Whether it takes a piece that is a token as that token.</param>
    public string? OnlyInItsFile(bool wholePieces)
    {
        if (Rules.SpaceBefore) return "it puts a space before a text that begins without one (add_prefix_space)";
        // NFC alone keeps this; for what it changes, llama.cpp has no step either, and models whose files name it are run there all the
        // same.
        const string composed = " Aa  Éé ﬁ\n";
        if (Normalizer is { } normalizer && normalizer.Apply(composed) != composed) return "its normalizer changes text beyond NFC";
        if (Rules.WholePieces == wholePieces) return null;
        var added = Added.Select(token => token.Id).ToHashSet();
        List<int> merged = [], ends = [];
        for (var id = 0; id < Bytes.Length; id++)
        {
            if (Bytes[id].Length < 2 || added.Contains(id)) continue;
            merged.Clear();
            Merge(Bytes[id], merged);
            if (merged is [var only] && only == id) continue;
            ends.Clear();
            Split.Split(Bytes[id], ends);
            if (ends.Count != 1)
                continue; // never a piece
            return $"it {(Rules.WholePieces ? "takes" : "does not take")} '{Encoding.UTF8.GetString(Bytes[id])}' whole, which its merges "
                + $"do not "
                + $"give (ignore_merges is {(Rules.WholePieces ? "true" : "false")})";
        }
        return null;
    }

    /// <summary>Appends the ids of any bytes, UTF-8 or not; decoding gives these bytes again.</summary>
    public void EncodeBytes(ReadOnlySpan<byte> bytes, List<int> output)
    {
        if (bytes.IsEmpty) return;
        if (!_workspaces.TryTake(out var workspace)) workspace = new Workspace(new WordCache(), []);
        var ends = workspace.Ends;
        ends.Clear();
        Split.Split(bytes, ends);
        var start = 0;
        foreach (var end in CollectionsMarshal.AsSpan(ends))
        {
            if (end >= 0) EncodePiece(bytes[start..end], workspace.Words, output);
            start = PreTokenizer.EndOf(end);
        }
        if (ends.Capacity > MostEnds) workspace = workspace with { Ends = [] };
        _workspaces.Add(workspace);
    }

    public int[] EncodeBytes(ReadOnlySpan<byte> bytes)
    {
        var output = new List<int>(bytes.Length / 3 + 8);
        EncodeBytes(bytes, output);
        return [.. output];
    }

    private protected override void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output, bool atStart)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text) + 1);
        var space = Rules.SpaceBefore && text[0] != ' ' ? 1 : 0;
        rented[0] = (byte)' ';
        EncodeBytes(rented.AsSpan(0, space + Encoding.UTF8.GetBytes(text, rented.AsSpan(space))), output);
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>A piece of the pre-tokenizer's.</summary>
    internal void EncodePiece(ReadOnlySpan<byte> piece, WordCache words, List<int> output)
    {
        if (piece.Length == 1)
        {
            if (_byteTokens[piece[0]] is var single and >= 0) output.Add(single);
            return;
        }
        var hash = PieceTable.Hash(piece);
        if (_pieces.Find(piece, hash) is var token and >= 0 && IsReached(token, piece, output))
        {
            output.Add(token);
            return;
        }
        if (words.Find(piece, hash) is { IsEmpty: false } known)
        {
            output.AddRange(known);
            return;
        }
        var before = output.Count;
        Merge(piece, output);
        words.Add(piece, hash, CollectionsMarshal.AsSpan(output)[before..]);
    }

    /// <summary>Merging gives most tokens of a vocabulary from their own bytes, yet not all of every file's. Threads that ask at once
    /// come to the same answer.</summary>
    private bool IsReached(int token, ReadOnlySpan<byte> piece, List<int> output)
    {
        if (_reached[token] == NotAsked)
        {
            var before = output.Count;
            Merge(piece, output);
            _reached[token] = output.Count == before + 1 && output[before] == token ? Reached : NotReached;
            CollectionsMarshal.SetCount(output, before);
        }
        return _reached[token] == Reached;
    }

    private void Merge(ReadOnlySpan<byte> piece, List<int> output)
    {
        var before = output.Count;
        CollectionsMarshal.SetCount(output, before + piece.Length);
        var symbols = CollectionsMarshal.AsSpan(output)[before..];
        var count = 0;
        foreach (var value in piece)
            if (_byteTokens[value] is var token and >= 0) symbols[count++] = token;
        CollectionsMarshal.SetCount(output, before + _table.Apply(symbols[..count]));
    }

    private static Vocabulary OfOurs(byte[][] bytes, SpecialTokens special)
    {
        int[] ids = [special.Bos, special.Eos, special.Pad, special.System, special.User, special.Assistant, special.End];
        return new Vocabulary(bytes, [.. SpecialTokens.Names.Zip(ids, (name, id) => new AddedToken(name, id, Special: true))], special,
            Before: [special.Bos]);
    }
}
