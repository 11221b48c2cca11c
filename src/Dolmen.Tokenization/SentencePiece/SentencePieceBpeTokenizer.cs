using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>
/// Byte pair encoding on characters as SentencePiece (Kudo and Richardson 2018) and Llama have it: a space is written "▁", one stands
/// before every text, and a character that is no piece falls back to its UTF-8 bytes ("&lt;0x0A&gt;"). Decoding drops the space that
/// encoding put before the text. Safe to use from several threads at once.
/// </summary>
public sealed class SentencePieceBpeTokenizer : Tokenizer
{
    internal const char Space = '▁';

    private readonly string[] _pieces;
    private readonly byte[][] _bytes;
    private readonly Dictionary<int, int> _characters = [];              // code point → id
    private readonly int[] _byteTokens = new int[256];
    private readonly HashSet<int> _special = [];
    private readonly MergeTable _table;
    private readonly BpeMerge[] _merges;
    private readonly AddedTokens _always, _whenAsked;

    /// <param name="pieces">Of every id, as the vocabulary file has them.</param>
    /// <param name="merges">First applied first.</param>
    /// <param name="added">Tokens that stand for themselves; those not special are found in every text.</param>
    /// <param name="unknown">For what has neither piece nor bytes; −1 where there is none.</param>
    internal SentencePieceBpeTokenizer(string[] pieces, BpeMerge[] merges, IReadOnlyList<AddedToken> added, SpecialTokens special,
        int unknown, bool prefix)
    {
        (_pieces, _merges, Added, Special, Unknown, Prefix) = (pieces, merges, added, special, unknown, prefix);
        _table = new MergeTable(merges);
        _always = new AddedTokens(added.Where(token => !token.Special));
        _whenAsked = new AddedTokens(added);
        Array.Fill(_byteTokens, -1);
        var names = added.Select(token => token.Id).ToHashSet();
        _special.UnionWith(added.Where(token => token.Special).Select(token => token.Id));
        _bytes = new byte[pieces.Length][];
        for (var id = 0; id < pieces.Length; id++)
        {
            if (names.Contains(id)) _bytes[id] = Encoding.UTF8.GetBytes(pieces[id]);
            else if (ByteOf(pieces[id]) is { } value) (_bytes[id], _byteTokens[value]) = ([value], id);
            else
            {
                _bytes[id] = Encoding.UTF8.GetBytes(pieces[id].Replace(Space, ' '));
                if (Rune.TryGetRuneAt(pieces[id], 0, out var rune) && rune.Utf16SequenceLength == pieces[id].Length)
                {
                    _characters.TryAdd(rune.Value, id);
                }
            }
        }
    }

    public override int VocabSize => _pieces.Length;

    public override SpecialTokens Special { get; }

    public override bool DropsLeadingSpace => Prefix;

    internal IReadOnlyList<string> Pieces => _pieces;

    /// <summary>In the order they are applied.</summary>
    public IReadOnlyList<BpeMerge> Merges => _merges;

    internal IReadOnlyList<AddedToken> Added { get; }

    public override int Unknown { get; }

    /// <summary>A space is put before every text.</summary>
    internal bool Prefix { get; }

    /// <summary>From a SentencePiece vocabulary: the pair whose joint piece has the best score is merged first.</summary>
    /// <exception cref="UserErrorException">Pieces, scores and kinds do not belong together.</exception>
    public static SentencePieceBpeTokenizer FromScores(SentencePieceVocabulary vocabulary) => new(
        [.. vocabulary.Pieces], SentencePieceMerges.Of(vocabulary), vocabulary.Added(), vocabulary.Special, vocabulary.Unknown,
        vocabulary.Prefix);

    /// <summary>The vocabulary again; scores as far as merges tell them: the order in which pieces come to be, the rest last.</summary>
    public SentencePieceVocabulary ToVocabulary()
    {
        var (scores, kinds) = (new float[_pieces.Length], new PieceKind[_pieces.Length]);
        Array.Fill(kinds, PieceKind.Normal);
        Array.Fill(scores, -1e9f);
        for (var rank = _merges.Length - 1; rank >= 0; rank--) scores[_merges[rank].Result] = -rank;
        for (var id = 0; id < _pieces.Length; id++)
        {
            if (ByteOf(_pieces[id]) is not null) (kinds[id], scores[id]) = (PieceKind.Byte, 0);
        }
        foreach (var token in Added)
        {
            (kinds[token.Id], scores[token.Id]) = (token.Special ? PieceKind.Control : PieceKind.UserDefined, 0);
        }
        if (Unknown >= 0) kinds[Unknown] = PieceKind.Unknown;
        return new SentencePieceVocabulary(_pieces, scores, kinds, Special.Bos, Special.Eos, Prefix);
    }

    public override bool IsSpecial(int token) => _special.Contains(token);

    public override ReadOnlySpan<byte> BytesOf(int token) => (uint)token < (uint)_bytes.Length
        ? _bytes[token]
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has the ids 0 to {_bytes.Length - 1}.");

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        var added = parseSpecial ? _whenAsked : _always;
        while (added.Find(text) is { } found)
        {
            EncodeOrdinary(text[..found.At], output);
            output.Add(found.Token.Id);
            text = text[(found.At + found.Token.Content.Length)..];
        }
        EncodeOrdinary(text, output);
    }

    /// <summary>The byte a piece like "&lt;0x0A&gt;" stands for.</summary>
    internal static byte? ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value) ? value : null;

    private void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output)
    {
        if (text.IsEmpty) return;
        var before = output.Count;
        if (Prefix) AddCharacter(new Rune(Space), output, before);
        foreach (var rune in text.EnumerateRunes()) AddCharacter(rune.Value == ' ' ? new Rune(Space) : rune, output, before);
        CollectionsMarshal.SetCount(output, before + _table.Apply(CollectionsMarshal.AsSpan(output)[before..]));
    }

    private void AddCharacter(Rune rune, List<int> output, int start)
    {
        if (_characters.TryGetValue(rune.Value, out var id))
        {
            output.Add(id);
            return;
        }
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        var whole = true;
        foreach (var value in utf8) whole &= _byteTokens[value] >= 0;
        if (whole)
        {
            foreach (var value in utf8) output.Add(_byteTokens[value]);
        }
        else if (Unknown >= 0 && (output.Count == start || output[^1] != Unknown)) output.Add(Unknown);   // a run of unknowns is one
    }
}

/// <summary>A token that stands for its own text. <paramref name="Special"/>: only where the caller asks for it.</summary>
internal sealed record AddedToken(string Content, int Id, bool Special);

/// <summary>Where the first of a set of added tokens stands in a text.</summary>
internal sealed class AddedTokens
{
    private readonly AddedToken[] _tokens;
    private readonly SearchValues<string> _names;

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        _tokens = [.. tokens.OrderByDescending(token => token.Content.Length)];
        _names = SearchValues.Create([.. _tokens.Select(token => token.Content)], StringComparison.Ordinal);
    }

    public (int At, AddedToken Token)? Find(ReadOnlySpan<char> text)
    {
        if (_tokens.Length == 0 || text.IndexOfAny(_names) is not (var at and >= 0)) return null;
        foreach (var token in _tokens)
        {
            if (text[at..].StartsWith(token.Content, StringComparison.Ordinal)) return (at, token);
        }
        return null;
    }
}
