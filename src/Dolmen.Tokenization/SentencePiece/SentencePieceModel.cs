using System.Buffers.Binary;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>SentencePiece's .model: a protocol buffer of pieces, of how they were learned and of how text is normalized.</summary>
internal static class SentencePieceModel
{
    private const int LargestFile = 64 << 20;
    private const int Unigram = 1, Bpe = 2;

    public static SentencePieceTokenizer Read(string path)
    {
        if (new FileInfo(path).Length > LargestFile)
            throw new UserErrorException(
                $"{path} has more than {LargestFile} bytes: that is not a SentencePiece model. Copy the file again from where it came."
            );
        return Parse(RegularFile.ReadAllBytes(path), path);
    }

    public static SentencePieceTokenizer Parse(ReadOnlySpan<byte> bytes, string path)
    {
        UserErrorException Bad(string what) => new($"{path} is not a SentencePiece model: {what}. Copy the file again from where it came.");
        var (pieces, scores, kinds) = (new List<string>(), new List<float>(), new List<PieceKind>());
        var trained = new Trained();
        var normalized = new Normalized();
        var message = new ProtoMessage(bytes);
        while (message.Next(Bad))
        {
            if (message.Field == 1) AddPiece(message.Bytes(Bad), pieces, scores, kinds, Bad);
            else if (message.Field == 2) trained = Trained.Read(message.Bytes(Bad), Bad);
            else if (message.Field == 3) normalized = Normalized.Read(message.Bytes(Bad), Bad);
        }
        if (pieces.Count == 0)
            throw Bad("it holds no pieces");
        if (pieces.Count > BpeTokenizer.LargestVocabSize)
            throw Bad($"it holds {pieces.Count} pieces, more than {BpeTokenizer.LargestVocabSize}");
        if (trained.FallsBack == false && kinds.Contains(PieceKind.Byte))
            throw Bad("it has pieces for bytes and says byte_fallback: false");
        var vocabulary = new SentencePieceVocabulary(pieces, scores, kinds, IdOf(trained.Bos), IdOf(trained.Eos), normalized.Prefix);
        var added = vocabulary.Added().Select(token => token with { Normalized = !token.Special });
        var shared = vocabulary.Shared() with { Added = [.. added], AddedInModel = true };
        string[] userDefined = [.. pieces.Where((_, id) => kinds[id] == PieceKind.UserDefined)];
        // Only the text as a whole gets a space before it, and also where it begins with one.
        var rules = vocabulary.Rules() with
        {
            Prefix = normalized.Prefix ? SpacePrefix.AtStart : SpacePrefix.Never,
            FallsBack = trained.FallsBack ?? kinds.Contains(PieceKind.Byte),
            OnlyHere = normalized.Map.Length > 0 ? "it has a table of normalization rules"
                : normalized.DropsSpaces ? "it drops extra spaces (remove_extra_whitespaces)"
                : trained.SuffixSpaces || !normalized.EscapesSpaces ? "it writes spaces in another way" : null,
            Model = new SentencePieceNormalizer(
                normalized.Rules(Bad),
                normalized.Prefix,
                normalized.DropsSpaces,
                normalized.EscapesSpaces,
                trained.SuffixSpaces,
                userDefined
            ),
        };
        switch (trained.Model)
        {
            case Bpe:
                return new SentencePieceBpeTokenizer([.. pieces], SentencePieceMerges.Of(vocabulary), shared, rules, rankedPieces: true);
            case Unigram:
                var leaveOut = Enumerable
                    .Range(0, pieces.Count)
                    .Where(id => kinds[id] is not (PieceKind.Normal or PieceKind.UserDefined))
                    .ToHashSet();
                CheckTwice(pieces, leaveOut, Bad);
                return new UnigramTokenizer([.. pieces], [.. scores.Select(score => (double)score)], leaveOut, shared, rules, single: true);
            default:
                throw Bad($"it is of the kind {trained.Model} (3: words, 4: characters), and Dolmen reads Unigram and BPE");
        }

        int IdOf(string name) => pieces.FindIndex(piece => piece == name) is var id && id >= 0 && kinds[id] == PieceKind.Control ? id : -1;
    }

    private static void CheckTwice(List<string> pieces, HashSet<int> leaveOut, Func<string, UserErrorException> bad)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < pieces.Count; id++)
            if (!leaveOut.Contains(id) && !seen.TryAdd(pieces[id], id))
                throw bad($"it holds the piece '{pieces[id]}' twice, as {seen[pieces[id]]} and {id}");
    }

    private static void AddPiece(
        ReadOnlySpan<byte> bytes,
        List<string> pieces,
        List<float> scores,
        List<PieceKind> kinds,
        Func<string, UserErrorException> bad
    )
    {
        var (text, score, kind) = ("", 0f, PieceKind.Normal);
        var message = new ProtoMessage(bytes);
        while (message.Next(bad))
        {
            if (message.Field == 1) text = Text(message.Bytes(bad));
            else if (message.Field == 2) score = message.Single(bad);
            else if (message.Field == 3) kind = (PieceKind)message.Number(bad);
        }
        if (text.Length == 0) throw bad($"piece {pieces.Count} is empty");
        if (!float.IsFinite(score)) throw bad($"piece {pieces.Count} has the score {score}");
        if (kind is < PieceKind.Normal or > PieceKind.Byte) throw bad($"piece {pieces.Count} is of the kind {(int)kind}");
        pieces.Add(text);
        scores.Add(score);
        kinds.Add(kind);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private readonly record struct Trained(int Model, bool SuffixSpaces, bool? FallsBack, string Bos, string Eos)
    {
        public Trained() : this(Unigram, false, null, "<s>", "</s>")
        {
        }

        public static Trained Read(ReadOnlySpan<byte> bytes, Func<string, UserErrorException> bad)
        {
            var read = new Trained();
            var message = new ProtoMessage(bytes);
            while (message.Next(bad))
            {
                read = message.Field switch
                {
                    3 => read with { Model = (int)message.Number(bad) },
                    24 => read with { SuffixSpaces = message.Number(bad) != 0 },
                    35 => read with { FallsBack = message.Number(bad) != 0 },
                    46 => read with { Bos = Text(message.Bytes(bad)) },
                    47 => read with { Eos = Text(message.Bytes(bad)) },
                    _ => read,
                };
            }
            return read;
        }
    }

    private readonly record struct Normalized(byte[] Map, bool Prefix, bool DropsSpaces, bool EscapesSpaces)
    {
        public Normalized() : this([], true, true, true)
        {
        }

        public static Normalized Read(ReadOnlySpan<byte> bytes, Func<string, UserErrorException> bad)
        {
            var read = new Normalized();
            var message = new ProtoMessage(bytes);
            while (message.Next(bad))
            {
                read = message.Field switch
                {
                    2 => read with { Map = message.Bytes(bad).ToArray() },
                    3 => read with { Prefix = message.Number(bad) != 0 },
                    4 => read with { DropsSpaces = message.Number(bad) != 0 },
                    5 => read with { EscapesSpaces = message.Number(bad) != 0 },
                    _ => read,
                };
            }
            return read;
        }

        public CharsMapNormalizer? Rules(Func<string, UserErrorException> bad) => Map.Length == 0 ? null
            : CharsMapNormalizer.Read(Map) ?? throw bad("its table of normalization rules does not fit its size");
    }
}

/// <summary>The fields of a protocol buffer one after the other.</summary>
internal ref struct ProtoMessage(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;
    private ReadOnlySpan<byte> _value;
    private ulong _number;
    private int _wire;

    public int Field { get; private set; }

    /// <summary>False at the end.</summary>
    public bool Next(Func<string, UserErrorException> bad)
    {
        if (_rest.IsEmpty) return false;
        var tag = Varint(bad);
        (Field, _wire) = ((int)Math.Min(tag >> 3, int.MaxValue), (int)(tag & 7));
        if (Field == 0) throw bad("it has a field 0");
        if (_wire == 0) _number = Varint(bad);
        else _value = Take(_wire switch
        {
            1 => 8,
            2 => Varint(bad),
            5 => 4,
            _ => throw bad($"field {Field} is of the wire type {_wire}"),
        }, bad);
        return true;
    }

    public readonly ulong Number(Func<string, UserErrorException> bad) =>
        _wire == 0 ? _number : throw bad($"field {Field} is not a number");

    public readonly float Single(Func<string, UserErrorException> bad) =>
        _wire == 5 ? BinaryPrimitives.ReadSingleLittleEndian(_value) : throw bad($"field {Field} is not a 32-bit number");

    public readonly ReadOnlySpan<byte> Bytes(Func<string, UserErrorException> bad) =>
        _wire == 2 ? _value : throw bad($"field {Field} is neither a text nor a message");

    private ulong Varint(Func<string, UserErrorException> bad)
    {
        var value = 0UL;
        for (var i = 0; i < 10; i++)
        {
            if (i >= _rest.Length) throw bad("it ends within a number");
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }
        throw bad("a number has more than 10 bytes");
    }

    private ReadOnlySpan<byte> Take(ulong length, Func<string, UserErrorException> bad)
    {
        if (length > (ulong)_rest.Length) throw bad($"field {Field} claims {length} bytes but {_rest.Length} are left");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
