using System.Text;

namespace Dolmen.Tokenization;

/// <summary>Where encoding puts a space that the text does not have.</summary>
internal enum SpacePrefix
{
    Never,
    AtStart,

    /// <summary>At the start, and behind every added token.</summary>
    EverySection,
}

/// <param name="Unknown">For what has neither piece nor bytes; −1 where there is none.</param>
/// <param name="UnlessThere">No space is put where one stands already.</param>
/// <param name="SplitAtSpaces">No piece reaches over a space but at its beginning.</param>
internal sealed record PieceRules(int Unknown, SpacePrefix Prefix, bool UnlessThere = false, bool SplitAtSpaces = false);

/// <summary>
/// Vocabularies of SentencePiece (Kudo and Richardson 2018): a space is written "▁", one stands before every text, and a character that
/// is no piece falls back to its UTF-8 bytes ("&lt;0x0A&gt;"). Decoding drops the space that encoding put before the text. Safe to use
/// from several threads at once.
/// </summary>
public abstract class SentencePieceTokenizer : VocabularyTokenizer
{
    internal const char Space = '▁';

    private readonly string[] _pieces;
    private readonly int[] _byteTokens = new int[256];

    private protected SentencePieceTokenizer(string[] pieces, Vocabulary vocabulary, PieceRules rules)
        : base(vocabulary with { Bytes = BytesOf(pieces, vocabulary.Added) })
    {
        (_pieces, Rules) = (pieces, rules);
        Array.Fill(_byteTokens, -1);
        var added = Added.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < pieces.Length; id++)
            if (!added.Contains(id) && ByteOf(pieces[id]) is { } value) _byteTokens[value] = id;
    }

    public override bool DropsLeadingSpace => Rules.Prefix != SpacePrefix.Never;

    internal IReadOnlyList<string> Pieces => _pieces;

    internal PieceRules Rules { get; }

    internal int Unknown => Rules.Unknown;

    /// <summary>Every byte is a piece.</summary>
    internal bool FallsBackToBytes => Array.TrueForAll(_byteTokens, token => token >= 0);

    /// <summary>The byte a piece like "&lt;0x0A&gt;" stands for.</summary>
    internal static byte? ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value) ? value : null;

    /// <param name="text">With "▁" for every space.</param>
    private protected abstract void EncodePieces(ReadOnlySpan<char> text, List<int> output);

    private protected sealed override void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output, bool atStart)
    {
        var prefix = (Rules.Prefix == SpacePrefix.EverySection || (Rules.Prefix == SpacePrefix.AtStart && atStart))
            && !(Rules.UnlessThere && text[0] is ' ' or Space);
        var spaced = string.Create(text.Length + (prefix ? 1 : 0), text, static (target, source) =>
        {
            target[0] = Space;
            source.Replace(target[(target.Length - source.Length)..], ' ', Space);
        });
        if (!Rules.SplitAtSpaces)
        {
            EncodePieces(spaced, output);
            return;
        }
        for (var start = 0; start < spaced.Length;)
        {
            var end = spaced.IndexOf(Space, start + 1);
            if (end < 0) end = spaced.Length;
            EncodePieces(spaced.AsSpan(start, end - start), output);
            start = end;
        }
    }

    /// <summary>Appends the bytes of what is no piece, or the unknown token, of which a run is one.</summary>
    /// <param name="start">Of the text in <paramref name="output"/>.</param>
    private protected void AddUnknown(Rune rune, List<int> output, int start)
    {
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        var whole = true;
        foreach (var value in utf8) whole &= _byteTokens[value] >= 0;
        if (whole)
        {
            foreach (var value in utf8) output.Add(_byteTokens[value]);
        }
        else if (Unknown >= 0 && (output.Count == start || output[^1] != Unknown)) output.Add(Unknown);
    }

    private static byte[][] BytesOf(string[] pieces, IReadOnlyList<AddedToken> added)
    {
        var bytes = Array.ConvertAll(pieces, piece => ByteOf(piece) is { } value ? [value] : Encoding.UTF8.GetBytes(piece.Replace(Space, ' ')));
        foreach (var token in added) bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        return bytes;
    }
}
