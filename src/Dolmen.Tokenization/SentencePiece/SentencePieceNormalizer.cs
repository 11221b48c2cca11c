using System.Buffers;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>
/// What SentencePiece's own file says of text and spaces. Symbols that users defined are passed over as they stand; spaces become "▁";
/// spaces at the ends and all but one of several may go; one may be put before the text, or behind it.
/// </summary>
/// <param name="Rules">Replacements; null for none.</param>
/// <param name="Prefix">A space is put before the text (add_dummy_prefix).</param>
/// <param name="DropsSpaces">Spaces at the ends go, and all but one of several (remove_extra_whitespaces).</param>
/// <param name="EscapesSpaces">A space is written "▁" (escape_whitespaces).</param>
/// <param name="Suffix">The space of <paramref name="Prefix"/> is put behind the text (treat_whitespace_as_suffix).</param>
/// <param name="UserDefined">Texts that are not changed.</param>
internal sealed record SentencePieceNormalizer(
    CharsMapNormalizer? Rules, bool Prefix, bool DropsSpaces, bool EscapesSpaces, bool Suffix, IReadOnlyList<string> UserDefined)
{
    private readonly PieceTrieMap? _userDefined =
        UserDefined.Count == 0 ? null : new PieceTrieMap([.. UserDefined.Select(Encoding.UTF8.GetBytes)]);

    /// <summary>Decoding drops a space at the beginning of a text.</summary>
    public bool DropsSpaceAtStart => EscapesSpaces && (Prefix || DropsSpaces);

    /// <param name="text">Of a stretch between control tokens.</param>
    /// <param name="atStart">The text that is encoded begins here.</param>
    public string Apply(ReadOnlySpan<char> text, bool atStart)
    {
        var space = EscapesSpaces ? "▁"u8 : " "u8;
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text) + 1);
        ReadOnlySpan<byte> utf8 = rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented));
        if (DropsSpaces)
            while (!utf8.IsEmpty && First(utf8, out var length).SequenceEqual(" "u8)) utf8 = utf8[length..];
        var result = new ArrayBufferWriter<byte>(3 * utf8.Length + 8);
        if (!utf8.IsEmpty)
        {
            if (Prefix && !Suffix && atStart) result.Write(space);
            var longest = (1L << 16) + 20L * utf8.Length;
            var afterSpace = DropsSpaces;
            while (!utf8.IsEmpty)
            {
                var piece = First(utf8, out var length);
                while (afterSpace && piece.StartsWith((byte)' ')) piece = piece[1..];
                if (!piece.IsEmpty)
                {
                    foreach (var value in piece)
                    {
                        if (value == ' ') result.Write(space);
                        else result.Write([value]);
                    }
                    Normalizer.Check(result.WrittenCount / 4, longest);
                    afterSpace = piece.EndsWith((byte)' ');
                }
                if (!DropsSpaces) afterSpace = false;
                utf8 = utf8[length..];
            }
        }
        var written = result.WrittenSpan;
        if (DropsSpaces)
            while (written.EndsWith(space)) written = written[..^space.Length];
        var normalized = Encoding.UTF8.GetString(written);
        if (Prefix && Suffix && result.WrittenCount > 0) normalized += Encoding.UTF8.GetString(space);
        ArrayPool<byte>.Shared.Return(rented);
        return normalized;
    }

    /// <summary>What the beginning of the text becomes, and how much of it that is.</summary>
    private ReadOnlySpan<byte> First(ReadOnlySpan<byte> utf8, out int length)
    {
        length = 0;
        var node = 0;
        for (var i = 0; _userDefined is not null && i < utf8.Length && (node = _userDefined.Child(node, utf8[i])) > 0; i++)
            if (_userDefined.PieceAt(node) >= 0) length = i + 1;
        if (length > 0) return utf8[..length];
        if (Rules is not null && Rules.Find(utf8, out length) is var target && length > 0) return target;
        Rune.DecodeFromUtf8(utf8, out _, out length);
        return utf8[..length];
    }
}
