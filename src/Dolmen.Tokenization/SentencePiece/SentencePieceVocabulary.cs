using System.Buffers.Binary;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What a piece is; the numbers are SentencePiece's and GGUF's.</summary>
public enum PieceKind { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 }

/// <summary>A SentencePiece vocabulary: pieces, their scores and kinds by id.</summary>
/// <param name="Bos">Begins a text, and <paramref name="Eos"/> ends it; −1 where there is none.</param>
/// <param name="Prefix">A space is put before every text.</param>
/// <param name="BeginsWithBos">Every text begins with Bos where there is one; <paramref name="EndsWithEos"/>: it ends with Eos.</param>
public sealed record SentencePieceVocabulary(
    IReadOnlyList<string> Pieces, IReadOnlyList<float> Scores, IReadOnlyList<PieceKind> Kinds, int Bos = 1, int Eos = 2, bool Prefix = true,
    bool BeginsWithBos = true, bool EndsWithEos = false)
{
    private const long LargestFile = 64 << 20;

    /// <summary>No tokens for roles: such a vocabulary continues text and cannot tell who speaks. The end of a turn is the end of the
    /// text.</summary>
    internal SpecialTokens Special => new(Bos, Eos, Eos, -1, -1, -1, Eos);

    internal int Unknown => Kinds.ToList().IndexOf(PieceKind.Unknown);

    /// <summary>Reads llama2.c's tokenizer file: the longest piece's length, then of each piece its score (float), length (int) and
    /// bytes, with plain spaces and the first three ids for unknown, begin and end.</summary>
    /// <exception cref="UserErrorException">Missing, cut off, or not such a file.</exception>
    public static SentencePieceVocabulary ReadLlama2C(string path, int vocabSize)
    {
        UserErrorException Bad(string rule) => new($"'{path}' is not a llama2.c tokenizer of {vocabSize} tokens: {rule}. Check the path.");
        if (!File.Exists(path)) throw new UserErrorException($"'{path}' does not exist: --tokenizer-bin names llama2.c's tokenizer file.");
        if (new FileInfo(path).Length > LargestFile) throw Bad($"it is larger than {LargestFile} bytes");
        ReadOnlySpan<byte> bytes = RegularFile.ReadAllBytes(path);
        if (bytes.Length < 4) throw Bad("it has fewer than 4 bytes");
        bytes = bytes[4..];
        var (pieces, scores, kinds) = (new string[vocabSize], new float[vocabSize], new PieceKind[vocabSize]);
        for (var id = 0; id < vocabSize; id++)
        {
            if (bytes.Length < 8) throw Bad($"it ends in token {id}");
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
            if (length < 0 || length > bytes.Length - 8) throw Bad($"token {id} claims {length} bytes but {bytes.Length - 8} are left");
            scores[id] = BinaryPrimitives.ReadSingleLittleEndian(bytes);
            pieces[id] = Encoding.UTF8.GetString(bytes.Slice(8, length)).Replace(' ', SentencePieceTokenizer.Space);
            kinds[id] = id == 0 ? PieceKind.Unknown : id < 3 ? PieceKind.Control
                : SentencePieceTokenizer.ByteOf(pieces[id]) is null ? PieceKind.Normal : PieceKind.Byte;
            bytes = bytes[(8 + length)..];
        }
        if (!bytes.IsEmpty) throw Bad($"{bytes.Length} bytes follow the last token");
        (pieces[0], pieces[1], pieces[2]) = ("<unk>", "<s>", "</s>");
        return new SentencePieceVocabulary(pieces, scores, kinds);
    }

    internal Vocabulary Shared() =>
        new([], Added(), Special, Before: BeginsWithBos && Bos >= 0 ? [Bos] : [], After: EndsWithEos && Eos >= 0 ? [Eos] : []);

    internal PieceRules Rules() => new(Unknown, Prefix ? SpacePrefix.EverySection : SpacePrefix.Never);

    internal List<AddedToken> Added()
    {
        var added = new List<AddedToken>();
        for (var id = 0; id < Pieces.Count; id++)
        {
            if (Kinds[id] is PieceKind.Unknown or PieceKind.Control or PieceKind.UserDefined && Pieces[id].Length > 0)
            {
                added.Add(new AddedToken(Pieces[id], id, Kinds[id] != PieceKind.UserDefined));
            }
        }
        return added;
    }
}

/// <summary>Scores to merges, in the order Hugging Face's converter gives them.</summary>
internal static class SentencePieceMerges
{
    /// <exception cref="UserErrorException">Pieces, scores and kinds do not belong together.</exception>
    public static BpeMerge[] Of(SentencePieceVocabulary vocabulary)
    {
        var (pieces, scores, kinds) = (vocabulary.Pieces, vocabulary.Scores, vocabulary.Kinds);
        if (scores.Count != pieces.Count || kinds.Count != pieces.Count)
        {
            throw new UserErrorException(
                $"The vocabulary has {pieces.Count} pieces but {scores.Count} scores and {kinds.Count} kinds: it is "
                    + "damaged. Convert or fetch the model again."
            );
        }
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < pieces.Count; id++)
        {
            if (kinds[id] == PieceKind.Normal && !ids.TryAdd(pieces[id], id))
            {
                throw new UserErrorException($"The vocabulary holds the piece '{pieces[id]}' twice, as {ids[pieces[id]]} and {id}: it is " +
                    "damaged. Convert or fetch the model again.");
            }
        }
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<BpeMerge>();
        var local = new List<BpeMerge>();
        for (var id = 0; id < pieces.Count; id++)
        {
            if (kinds[id] != PieceKind.Normal) continue;
            local.Clear();
            var piece = pieces[id].AsSpan();
            for (var cut = 1; cut < piece.Length; cut++)
            {
                if (lookup.TryGetValue(piece[..cut], out var left) && lookup.TryGetValue(piece[cut..], out var right))
                {
                    local.Add(new BpeMerge(left, right, id));
                }
            }
            merges.AddRange(local.OrderBy(merge => merge.Left).ThenBy(merge => merge.Right));
        }
        return [.. merges.OrderByDescending(merge => scores[merge.Result]).ThenByDescending(merge => pieces[merge.Left].Length)
            .ThenByDescending(merge => pieces[merge.Right].Length)];
    }
}
