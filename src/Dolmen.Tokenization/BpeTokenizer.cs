using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Byte-level byte pair encoding (Sennrich et al. 2016; on bytes: Radford et al. 2019). Every byte is a token, so every byte sequence
/// can be encoded and comes back unchanged. Safe to use from several threads at once.
/// </summary>
public sealed class BpeTokenizer : Tokenizer
{
    /// <summary>Ids a vocabulary holds before its first merge: all bytes and the special tokens.</summary>
    public static int SmallestVocabSize => 256 + SpecialTokens.Names.Count;

    /// <summary>Far beyond any vocabulary in use; bounds what a damaged file can ask for.</summary>
    public const int LargestVocabSize = 1 << 21;

    private readonly byte[][] _bytes;
    private readonly int[] _byteTokens = new int[256];
    private readonly BpeMerge[] _merges;
    private readonly MergeTable _table;
    private readonly WordCache _cache = new();
    private readonly (string Name, int Token)[] _special;
    private readonly SearchValues<string> _specialNames = SearchValues.Create([.. SpecialTokens.Names], StringComparison.Ordinal);

    /// <param name="bytes">Of every id; of a special token its name.</param>
    /// <param name="merges">In the order they were learned.</param>
    /// <param name="special">Their ids.</param>
    internal BpeTokenizer(byte[][] bytes, BpeMerge[] merges, SpecialTokens special)
    {
        (_bytes, _merges, Special) = (bytes, merges, special);
        int[] ids = [special.Bos, special.Eos, special.Pad, special.System, special.User, special.Assistant, special.End];
        _special = [.. SpecialTokens.Names.Zip(ids)];
        for (var id = 0; id < bytes.Length; id++)
            if (bytes[id].Length == 1) _byteTokens[bytes[id][0]] = id;
        _table = new MergeTable(merges);
    }

    public override int VocabSize => _bytes.Length;

    public override SpecialTokens Special { get; }

    /// <summary>In the order they were learned, which is the order they are applied in.</summary>
    public IReadOnlyList<BpeMerge> Merges => _merges;

    /// <summary>Name and id of each special token.</summary>
    internal IReadOnlyList<(string Name, int Token)> SpecialTokenIds => _special;

    /// <summary>From tokens and merges as vocabulary files write them since GPT-2 ("Ġthe", "Ġ the"), the ids of the
    /// <paramref name="special"/> tokens apart.</summary>
    /// <exception cref="UserErrorException">A token is no bytes, or a merge names none.</exception>
    public static BpeTokenizer FromTexts(IReadOnlyList<string> tokens, IReadOnlyList<string> merges, IReadOnlyCollection<int> special)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            TokenizerJson.Write(writer, tokens, merges, special);
            writer.WriteEndObject();
        }
        using var document = JsonDocument.Parse(json.ToArray());
        return TokenizerJson.Read(document.RootElement, "The vocabulary");
    }

    /// <summary>The same the other way.</summary>
    public (string[] Tokens, string[] Merges) ToTexts()
    {
        string Text(int id) => IsSpecial(id) ? Encoding.UTF8.GetString(_bytes[id]) : ByteAlphabet.ToText(_bytes[id]);
        return ([.. Enumerable.Range(0, _bytes.Length).Select(Text)], [.. _merges.Select(merge => $"{Text(merge.Left)} {Text(merge.Right)}")]);
    }

    public override ReadOnlySpan<byte> BytesOf(int token) => (uint)token < (uint)_bytes.Length
        ? _bytes[token]
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has the ids 0 to {_bytes.Length - 1}.");

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        if (!parseSpecial)
        {
            EncodeOrdinary(text, output);
            return;
        }
        while (text.IndexOfAny(_specialNames) is var at and >= 0)
        {
            EncodeOrdinary(text[..at], output);
            text = text[at..];
            foreach (var (name, token) in _special)
            {
                if (!text.StartsWith(name, StringComparison.Ordinal)) continue;
                output.Add(token);
                text = text[name.Length..];
                break;
            }
        }
        EncodeOrdinary(text, output);
    }

    /// <summary>Appends the ids of any bytes, UTF-8 or not; decoding gives these bytes again.</summary>
    public void EncodeBytes(ReadOnlySpan<byte> bytes, List<int> output)
    {
        var ends = new List<int>(bytes.Length / 4 + 4);
        PreTokenizer.O200k.Split(bytes, ends);
        var start = 0;
        foreach (var end in ends)
        {
            EncodePiece(bytes[start..end], output);
            start = end;
        }
    }

    public int[] EncodeBytes(ReadOnlySpan<byte> bytes)
    {
        var output = new List<int>(bytes.Length / 3 + 8);
        EncodeBytes(bytes, output);
        return [.. output];
    }

    private void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output)
    {
        if (text.IsEmpty) return;
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
        EncodeBytes(rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)), output);
        ArrayPool<byte>.Shared.Return(rented);
    }

    private void EncodePiece(ReadOnlySpan<byte> piece, List<int> output)
    {
        if (piece.Length == 1)
        {
            output.Add(_byteTokens[piece[0]]);
            return;
        }
        if (piece.Length > WordCache.LongestWord)
        {
            Merge(piece, output);
            return;
        }
        if (_cache.Find(piece) is { } known)
        {
            output.AddRange(known.AsSpan());
            return;
        }
        var before = output.Count;
        Merge(piece, output);
        _cache.Add(piece, CollectionsMarshal.AsSpan(output)[before..].ToArray());
    }

    private void Merge(ReadOnlySpan<byte> piece, List<int> output)
    {
        var before = output.Count;
        CollectionsMarshal.SetCount(output, before + piece.Length);
        var symbols = CollectionsMarshal.AsSpan(output)[before..];
        for (var i = 0; i < symbols.Length; i++) symbols[i] = _byteTokens[piece[i]];
        CollectionsMarshal.SetCount(output, before + _table.Apply(symbols));
    }
}
