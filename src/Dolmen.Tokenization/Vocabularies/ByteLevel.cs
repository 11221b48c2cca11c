using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What every byte-level vocabulary must hold, whatever file it comes from.</summary>
internal static class ByteLevel
{
    /// <param name="bytes">Of every id.</param>
    /// <param name="added">Not found by their bytes.</param>
    /// <param name="error">Makes the complaint out of what is wrong.</param>
    public static void CheckBytes(byte[][] bytes, IReadOnlyList<AddedToken> added, Func<string, UserErrorException> error)
    {
        var leaveOut = added.Select(token => token.Id).ToHashSet();
        var seen = new bool[256];
        for (var id = 0; id < bytes.Length; id++)
            if (bytes[id].Length == 1 && !leaveOut.Contains(id)) seen[bytes[id][0]] = true;
        for (var value = 0; value < 256; value++)
        {
            // These bytes occur in no UTF-8: vocabularies learned from text may lack them.
            if (!seen[value] && value is not (0xC0 or 0xC1 or >= 0xF5))
                throw error($"holds {seen.Count(there => there)} of the 256 single bytes, not 0x{value:X2}: without it there is text that cannot be encoded");
        }
    }

    /// <summary>Half a file's merges lost would encode, into the wrong tokens.</summary>
    public static void CheckMerges(
        byte[][] bytes, BpeMerge[] merges, bool wholePieces, IReadOnlyList<AddedToken> added, Func<string, UserErrorException> error)
    {
        if (wholePieces) return;
        var reached = merges.Select(merge => merge.Result).Concat(added.Select(token => token.Id)).ToHashSet();
        int[] lost = [.. Enumerable.Range(0, bytes.Length).Where(id => bytes[id].Length > 1 && !reached.Contains(id))];
        if (lost.Length * 2 > bytes.Length)
        {
            throw error($"makes {merges.Length} tokens, yet {lost.Length} of {bytes.Length} are made by none, such as " +
                $"'{Encoding.UTF8.GetString(bytes[lost[0]])}' with the id {lost[0]}: merges are missing");
        }
    }
}
