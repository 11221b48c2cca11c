using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What every byte-level vocabulary must hold, whatever file it comes from.</summary>
internal static class ByteLevel
{
    /// <summary>Vocabularies learned from text may lack the bytes that it did not hold (Falcon control characters, StarCoder the rarest
    /// scripts); their tokenizers drop such bytes. Fewer than this many are a damaged file.</summary>
    private const int FewestBytes = 128;

    /// <param name="bytes">Of every id.</param>
    /// <param name="added">Not found by their bytes.</param>
    /// <param name="error">Makes the complaint out of what is wrong.</param>
    public static void CheckBytes(byte[][] bytes, IReadOnlyList<AddedToken> added, Func<string, UserErrorException> error)
    {
        var leaveOut = added.Select(token => token.Id).ToHashSet();
        var seen = new bool[256];
        for (var id = 0; id < bytes.Length; id++)
            if (bytes[id].Length == 1 && !leaveOut.Contains(id)) seen[bytes[id][0]] = true;
        var count = seen.Count(there => there);
        if (
            count < FewestBytes
            || (count < 256 && SpecialTokens.Find(name => added.FirstOrDefault(token => token.Content == name)?.Id ?? -1) is not null)
        )
            throw error($"holds {count} of the 256 single bytes: without all of them there is text that cannot be encoded");
    }

    /// <summary>Half a file's merges lost would encode, into the wrong tokens.</summary>
    public static void CheckMerges(
        byte[][] bytes, BpeMerge[] merges, bool wholePieces, IReadOnlyList<AddedToken> added, Func<string, UserErrorException> error)
    {
        var longer = bytes.Count(token => token.Length > 1) - added.Count(token => bytes[token.Id].Length > 1);
        if (merges.Length == 0 && longer > 0)
            throw error(
                $"is empty, yet {longer} tokens have more than one byte: merges are missing, and without them no text is ever cut into "
                    + $"these"
            );
        if (wholePieces)
            return;
        var reached = merges.Select(merge => merge.Result).Concat(added.Select(token => token.Id)).ToHashSet();
        int[] lost = [.. Enumerable.Range(0, bytes.Length).Where(id => bytes[id].Length > 1 && !reached.Contains(id))];
        if (lost.Length * 2 > bytes.Length)
        {
            throw error($"makes {merges.Length} tokens, yet {lost.Length} of {bytes.Length} are made by none, such as " +
                $"'{Encoding.UTF8.GetString(bytes[lost[0]])}' with the id {lost[0]}: merges are missing");
        }
    }
}
