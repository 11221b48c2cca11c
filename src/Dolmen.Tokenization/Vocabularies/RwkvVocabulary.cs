using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>RWKV's "world" vocabulary: a line for each token with its id, its text or bytes as Python writes them, and their
/// length.</summary>
internal static class RwkvVocabulary
{
    private const int LargestFile = 64 << 20;

    public static RwkvTokenizer Read(string path)
    {
        var tokens = new List<byte[]> { Array.Empty<byte>() };            // id 0 ends a text
        using var reader = new StringReader(StrictText.DecodeWhole(WholeFile.Read(path, LargestFile), path));
        while (reader.ReadLine() is { } line)
        {
            UserErrorException Bad(string what) =>
                new(
                    $"{path} line {tokens.Count} {what}: a line is an id, a token as Python writes it, and "
                        + "its length in bytes, the ids in order. Copy the file again from where it came."
                );
            var (first, last) = (line.IndexOf(' ', StringComparison.Ordinal), line.LastIndexOf(' '));
            if (first < 0 || last <= first) throw Bad("has no three fields");
            if (!int.TryParse(line.AsSpan(0, first), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id != tokens.Count)
                throw Bad($"has the id '{line[..first]}'");
            if (PythonLiteral.Bytes(line.AsSpan(first + 1, last - first - 1)) is not { Length: > 0 } bytes)
                throw Bad("holds no text in quotes");
            if (line[(last + 1)..] != bytes.Length.ToString(CultureInfo.InvariantCulture))
                throw Bad($"says {line[(last + 1)..]} bytes and has {bytes.Length}");
            if (tokens.Count >= BpeTokenizer.LargestVocabSize)
                throw Bad("is one too many");
            tokens.Add(bytes);
        }
        byte[][] all = [.. tokens];
        ByteLevel.CheckBytes(all, [], problem => new UserErrorException($"{path} {problem}. Copy the file again from where it came."));
        return new RwkvTokenizer(all);
    }
}

/// <summary>Text and bytes as Python's source writes them.</summary>
internal static class PythonLiteral
{
    /// <summary>Null where it is none.</summary>
    public static byte[]? Bytes(ReadOnlySpan<char> source)
    {
        var raw = source.StartsWith('b');
        if (raw) source = source[1..];
        if (source.Length < 2 || source[0] is not ('\'' or '"') || source[^1] != source[0]) return null;
        source = source[1..^1];
        var bytes = new List<byte>();
        Span<byte> utf8 = stackalloc byte[4];
        while (!source.IsEmpty)
        {
            if (source[0] == '\\')
            {
                if (source.Length < 2)
                    return null;
                var (digits, value) = source[1] switch
                {
                    'x' => (2, 0),
                    'u' => (4, 0),
                    'U' => (8, 0),
                    'n' => (0, '\n'),
                    't' => (0, '\t'),
                    'r' => (0, '\r'),
                    var itself => (0, (int)itself),
                };
                if (source.Length < 2 + digits)
                    return null;
                if (
                    digits > 0
                    && !int.TryParse(source.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
                )
                    return null;
                source = source[(2 + digits)..];
                if (raw) bytes.Add((byte)value);
                else if (!Rune.IsValid(value)) return null;
                else bytes.AddRange(utf8[..new Rune(value).EncodeToUtf8(utf8)]);
                continue;
            }
            if (Rune.DecodeFromUtf16(source, out var rune, out var used) != System.Buffers.OperationStatus.Done) return null;
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            source = source[used..];
        }
        return [.. bytes];
    }
}

/// <summary>Takes the longest token at every place; there are neither merges nor pieces.</summary>
internal sealed class RwkvTokenizer(byte[][] tokens)
    : VocabularyTokenizer(new Vocabulary(tokens, [], new SpecialTokens(0, 0, 0, -1, -1, -1, 0)))
{
    private readonly PieceTrieMap _trie = new(tokens);

    private protected override void EncodeOrdinary(ReadOnlySpan<char> text, List<int> output, bool atStart)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text.ToString());
        while (!bytes.IsEmpty)
        {
            var (node, length, token) = (0, 1, -1);
            for (var i = 0; i < bytes.Length && (node = _trie.Child(node, bytes[i])) > 0; i++)
                if (_trie.PieceAt(node) is var found and >= 0) (length, token) = (i + 1, found);
            if (token >= 0) output.Add(token);
            bytes = bytes[length..];
        }
    }
}
