using System.Runtime.InteropServices;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>Byte pair encoding on characters as Llama has it.</summary>
public sealed class SentencePieceBpeTokenizer : SentencePieceTokenizer
{
    private readonly Dictionary<int, int> _characters = [];              // code point → id
    private readonly MergeTable _table;
    private readonly BpeMerge[] _merges;
    private readonly PieceTable? _whole;
    private readonly Dictionary<string, int>? _affixed;                  // characters with what words have before or behind them
    private readonly AddedTokens _userDefined;

    /// <param name="pieces">Of every id, as the vocabulary file has them.</param>
    /// <param name="merges">First applied first.</param>
    /// <param name="vocabulary">All but the bytes, which pieces tell.</param>
    /// <param name="rules">Of spaces and what is unknown.</param>
    /// <param name="rankedPieces">Merges are ranked by the piece they give, as SentencePiece scores them, not each by its own
    /// place.</param>
    /// <param name="wholePieces">What is a piece as a whole is not merged.</param>
    internal SentencePieceBpeTokenizer(
        string[] pieces, BpeMerge[] merges, Vocabulary vocabulary, PieceRules rules, bool rankedPieces = false, bool wholePieces = false)
        : base(pieces, vocabulary, rules)
    {
        _merges = merges;
        _table = new MergeTable(merges, rankedPieces);
        var added = Added.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < pieces.Length; id++)
        {
            if (
                !added.Contains(id)
                && pieces[id].Length > 0
                && Rune.TryGetRuneAt(pieces[id], 0, out var rune)
                && rune.Utf16SequenceLength == pieces[id].Length
            )
                _characters.TryAdd(rune.Value, id);
        }
        if (rules.WordPrefix.Length + rules.WordSuffix.Length > 0)
        {
            _affixed = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var id = 0; id < pieces.Length; id++)
                if (pieces[id].Length > 0 && !Added.Any(token => token.Special && token.Id == id)) _affixed.TryAdd(pieces[id], id);
        }
        _userDefined = new AddedTokens(Added.Where(token => !token.Special && vocabulary.AddedInModel));
        if (wholePieces) _whole = new PieceTable(Array.ConvertAll(pieces, Encoding.UTF8.GetBytes), added);
    }

    /// <summary>The merges in the order they are applied.</summary>
    public IReadOnlyList<BpeMerge> Merges => _merges;

    /// <summary>What the vocabulary's file says of text and GGUF cannot; null where GGUF can say everything.</summary>
    public string? OnlyInItsFile => Rules.OnlyHere;

    internal bool WholePieces => _whole is not null;

    /// <summary>Builds a tokenizer from a SentencePiece vocabulary: the pair whose joint piece has the best score is merged
    /// first.</summary>
    /// <exception cref="UserErrorException">Pieces, scores and kinds do not belong together.</exception>
    public static SentencePieceBpeTokenizer FromScores(SentencePieceVocabulary vocabulary) => new(
        [.. vocabulary.Pieces], SentencePieceMerges.Of(vocabulary), vocabulary.Shared(), vocabulary.Rules(), rankedPieces: true);

    /// <summary>The vocabulary again; scores as far as merges tell them: the order in which pieces come to be, the rest last.</summary>
    public SentencePieceVocabulary ToVocabulary()
    {
        var (scores, kinds) = (new float[VocabSize], new PieceKind[VocabSize]);
        Array.Fill(kinds, PieceKind.Normal);
        Array.Fill(scores, -1e9f);
        for (var rank = _merges.Length - 1; rank >= 0; rank--) scores[_merges[rank].Result] = -rank;
        for (var id = 0; id < VocabSize; id++)
        {
            if (ByteOf(Pieces[id]) is not null) (kinds[id], scores[id]) = (PieceKind.Byte, 0);
        }
        foreach (var token in Added)
        {
            (kinds[token.Id], scores[token.Id]) = (token.Special ? PieceKind.Control : PieceKind.UserDefined, 0);
        }
        if (Unknown >= 0) kinds[Unknown] = PieceKind.Unknown;
        return new SentencePieceVocabulary([.. Pieces], scores, kinds, Special.Bos, Special.Eos, Rules.Prefix != SpacePrefix.Never);
    }

    /// <summary>Symbols that users defined are not merged with what stands beside them.</summary>
    private protected override void EncodeNormalized(string text, List<int> output)
    {
        var start = 0;
        while (_userDefined.Find(text, start, out var span) is { } token)
        {
            if (span.Start > start) EncodePieces(text.AsSpan(start..span.Start), output);
            output.Add(token.Id);
            start = span.End;
        }
        if (start < text.Length) EncodePieces(text.AsSpan(start), output);
    }

    private protected override void EncodePieces(ReadOnlySpan<char> text, List<int> output)
    {
        if (_whole?.Find(Encoding.UTF8.GetBytes(text.ToString())) is { } whole and >= 0)
        {
            output.Add(whole);
            return;
        }
        var before = output.Count;
        var (at, unknown) = (0, false);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            var first = at == 0;
            at += rune.Utf16SequenceLength;
            var affixed = _affixed is null ? null : $"{(first ? "" : Rules.WordPrefix)}{rune}{(at == text.Length ? Rules.WordSuffix : "")}";
            if (affixed is null ? _characters.TryGetValue(rune.Value, out var id) : _affixed!.TryGetValue(affixed, out id))
            {
                if (unknown) output.Add(Unknown);
                unknown = false;
                output.Add(id);
            }
            else if (AddBytes(affixed is null ? utf8[..rune.EncodeToUtf8(utf8)] : Encoding.UTF8.GetBytes(affixed), output)) continue;
            else if (Unknown >= 0)
            {
                // A run that is fused waits for its end; bytes that follow it come before it, as in Hugging Face's code.
                if (unknown && !Rules.FusesUnknown) output.Add(Unknown);
                unknown = true;
            }
        }
        if (unknown) output.Add(Unknown);
        CollectionsMarshal.SetCount(output, before + _table.Apply(CollectionsMarshal.AsSpan(output)[before..]));
    }
}
