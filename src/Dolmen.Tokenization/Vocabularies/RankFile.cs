using System.Buffers.Text;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>tiktoken's vocabulary files: a line for each token, its bytes in base64 and its rank, which is its id.</summary>
internal static class RankFile
{
    public const string Extension = ".tiktoken";

    /// <summary>The largest in use is 4 MB.</summary>
    private const int LargestFile = 64 << 20;

    /// <summary>The most bytes of a token.</summary>
    private const int LongestToken = 1 << 16;

    /// <returns>Of every rank; empty where it is not used.</returns>
    public static byte[][] Read(string path) => Parse(WholeFile.Read(path, LargestFile), path);

    /// <summary>As Microsoft's packages hold it: how many tokens there are comes first, and a rank is left out where it is the line's
    /// own place.</summary>
    public static byte[][] ReadPacked(Stream stream, string name)
    {
        ReadOnlySpan<byte> text = WholeFile.Read(stream, name, LargestFile);
        return Parse(text.StartsWith("Capacity:"u8) ? text[(text.IndexOf((byte)'\n') + 1)..] : text, name, placesAreRanks: true);
    }

    public static void Write(string path, BpeTokenizer tokenizer) => AtomicFile.Write(path, stream =>
    {
        var added = tokenizer.Added.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < tokenizer.VocabSize; id++)
        {
            if (added.Contains(id) || tokenizer.BytesOf(id).IsEmpty) continue;
            stream.Write(Encoding.ASCII.GetBytes($"{Convert.ToBase64String(tokenizer.BytesOf(id))} {id}\n"));
        }
    });

    /// <summary>Every two tokens whose joint bytes are a token merge; the rank of that token says how early.</summary>
    /// <exception cref="UserErrorException">Two ranks have the same bytes.</exception>
    public static BpeMerge[] Merges(byte[][] tokens, string name)
    {
        var table = new PieceTable(tokens, new HashSet<int>());
        var merges = new List<BpeMerge>(tokens.Length * 2);
        for (var id = 0; id < tokens.Length; id++)
        {
            var first = merges.Count;
            ReadOnlySpan<byte> bytes = tokens[id];
            if (!bytes.IsEmpty && table.Find(bytes) is var same && same != id)
                throw new UserErrorException(
                    $"{name} has the same token with the ranks {same} and {id}. Copy the file again from where it came."
                );
            for (var cut = 1; cut < bytes.Length; cut++)
            {
                if (table.Find(bytes[..cut]) is var left and >= 0 && table.Find(bytes[cut..]) is var right and >= 0)
                    merges.Add(new BpeMerge(left, right, id));
            }
            merges.Sort(first, merges.Count - first, ByParts.Instance);
        }
        return [.. merges];
    }

    private sealed class ByParts : IComparer<BpeMerge>
    {
        public static readonly ByParts Instance = new();

        public int Compare(BpeMerge x, BpeMerge y) => (x.Left, x.Right).CompareTo((y.Left, y.Right));
    }

    private static byte[][] Parse(ReadOnlySpan<byte> text, string name, bool placesAreRanks = false)
    {
        var tokens = new List<byte[]>();
        for (var line = 1; !text.IsEmpty; line++)
        {
            var end = text.IndexOf((byte)'\n');
            var row = (end < 0 ? text : text[..end]).TrimEnd((byte)'\r');
            text = end < 0 ? [] : text[(end + 1)..];
            if (row.IsEmpty)
                continue;
            UserErrorException Bad(string what) =>
                new(
                    $"{name} line {line} {what}: a line is a token's bytes in base64, a space and its rank. "
                        + "Copy the file again from where it came."
                );
            var space = row.IndexOf((byte)' ');
            var rank = tokens.Count;
            var ranked = space >= 0 || !placesAreRanks;
            if (!ranked) space = row.Length;
            if (space <= 0 || space > LongestToken) throw Bad("has no token and rank");
            var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(space)];
            if (Base64.DecodeFromUtf8(row[..space], bytes, out _, out var count) != System.Buffers.OperationStatus.Done || count == 0)
                throw Bad("does not begin with base64");
            if (
                ranked
                && (
                    !Utf8Parser.TryParse(row[(space + 1)..], out rank, out var read)
                    || read != row.Length - space - 1
                    || rank < 0
                    || rank >= BpeTokenizer.LargestVocabSize
                )
            )
                throw Bad(
                    $"has the rank '{Encoding.UTF8.GetString(row[(space + 1)..])}', which is not a whole number from 0 to "
                        + $"{BpeTokenizer.LargestVocabSize - 1}"
                );
            while (tokens.Count <= rank)
                tokens.Add([]);
            if (tokens[rank].Length > 0)
                throw Bad($"has the rank {rank}, which another token has");
            tokens[rank] = bytes[..count];
        }
        return tokens.Count > 0 ? [.. tokens] : throw new UserErrorException($"{name} is empty: a vocabulary has a line for each token. " +
            "Copy the file again from where it came.");
    }
}
