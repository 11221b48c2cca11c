using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Where encoding puts a space that the text does not have.</summary>
internal enum SpacePrefix
{
    Never,
    AtStart,

    /// <summary>A space at the start, and behind every added token.</summary>
    EverySection,
}

/// <param name="Unknown">For what has neither piece nor bytes; −1 where there is none.</param>
/// <param name="UnlessThere">No space is put where one stands already.</param>
/// <param name="SplitAtSpaces">No piece reaches over a space but at its beginning.</param>
/// <param name="FallsBack">Text that is not a piece becomes its bytes, where all of those are pieces.</param>
/// <param name="FusesUnknown">A run of what is unknown is one token.</param>
/// <param name="Steps">How tokenizer.json has text cut, instead of the rules of spaces above.</param>
/// <param name="Model">How SentencePiece's own file has text normalized, instead of the rules of spaces above.</param>
/// <param name="MustKnow">Text that is not a piece cannot be encoded unless there is an unknown token.</param>
/// <param name="OnlyHere">What the file says and GGUF cannot; null where it can say everything.</param>
/// <param name="WordPrefix">Put before every character of a word but the first; <paramref name="WordSuffix"/> behind the last.</param>
internal sealed record PieceRules(
    int Unknown, SpacePrefix Prefix, bool UnlessThere = false, bool SplitAtSpaces = false, bool FallsBack = true, bool FusesUnknown = true,
    IReadOnlyList<PieceStep>? Steps = null, SentencePieceNormalizer? Model = null, bool MustKnow = false, string WordPrefix = "",
    string WordSuffix = "", string? OnlyHere = null);

/// <summary>
/// Vocabularies of SentencePiece (Kudo and Richardson 2018): a space is written "▁", one stands before every text, and a character that
/// is not a piece falls back to its UTF-8 bytes ("&lt;0x0A&gt;"). Decoding drops the space that encoding put before the text. Safe to use
/// from several threads at once.
/// </summary>
public abstract class SentencePieceTokenizer : VocabularyTokenizer
{
    internal const char Space = '▁';

    private readonly string[] _pieces;
    private readonly int[] _byteTokens = new int[256];

    private protected SentencePieceTokenizer(string[] pieces, Vocabulary vocabulary, PieceRules rules)
        : base(vocabulary with { Bytes = BytesOf(pieces, vocabulary, rules) })
    {
        (_pieces, Rules) = (pieces, rules);
        Array.Fill(_byteTokens, -1);
        var added = Added.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < pieces.Length; id++)
            if (!added.Contains(id) && ByteOf(pieces[id]) is { } value) _byteTokens[value] = id;
    }

    public override bool DropsLeadingSpace =>
        Steps is { } steps ? steps.DropsSpace : Rules.Model?.DropsSpaceAtStart ?? (Rules.Prefix != SpacePrefix.Never);

    internal IReadOnlyList<string> Pieces => _pieces;

    internal PieceRules Rules { get; }

    public sealed override int Unknown => Rules.Unknown;

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
        if (Rules.Steps is not null)
        {
            EncodeSteps(text, output, atStart);
            return;
        }
        if (Rules.Model is { } model)
        {
            EncodeNormalized(model.Apply(text, atStart), output);
            return;
        }
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

    /// <param name="text">As SentencePiece's normalizer leaves it.</param>
    private protected virtual void EncodeNormalized(string text, List<int> output) => EncodePieces(text, output);

    private void EncodeSteps(ReadOnlySpan<char> text, List<int> output, bool atStart)
    {
        List<Piece> pieces = [new Piece(text.ToString(), atStart)], finer = [];
        foreach (var step in Rules.Steps ?? [])
        {
            finer.Clear();
            foreach (var piece in pieces) step.Apply(piece, finer);
            (pieces, finer) = (finer, pieces);
        }
        foreach (var piece in pieces)
            if (piece.Text.Length > 0) EncodePieces(piece.Text, output);
    }

    /// <summary>Appends the bytes of text that is not a piece; false where one of the bytes is not in the vocabulary, or where bytes are
    /// not used.</summary>
    private protected bool AddBytes(ReadOnlySpan<byte> utf8, List<int> output)
    {
        if (!Rules.FallsBack) return false;
        foreach (var value in utf8)
            if (_byteTokens[value] < 0) return false;
        foreach (var value in utf8) output.Add(_byteTokens[value]);
        return true;
    }

    /// <exception cref="UserErrorException">There is no unknown token, and the file's rules need one.</exception>
    private protected static UserErrorException NotKnown(ReadOnlySpan<byte> utf8) =>
        new(
            $"The text has '{TokenText.Of(utf8)}', which is not in the vocabulary, "
                + "and the tokenizer has no token for what it does not know (model.unk_id is null). Use another tokenizer, or leave that "
                + "text out."
        );

    private static byte[][] BytesOf(string[] pieces, Vocabulary vocabulary, PieceRules rules)
    {
        if (vocabulary.Decoder is { } decoder)
            return [.. Enumerable.Range(0, pieces.Length).Select(decoder.BytesOf)];
        var bytes = Array.ConvertAll(
            pieces,
            piece => rules.FallsBack && ByteOf(piece) is { } value ? [value] : Encoding.UTF8.GetBytes(piece.Replace(Space, ' '))
        );
        foreach (var token in vocabulary.Added)
            bytes[token.Id] = Encoding.UTF8.GetBytes(token.Special ? token.Content : token.Content.Replace(Space, ' '));
        return bytes;
    }
}
