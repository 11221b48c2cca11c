using Dolmen.Artifacts;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Damage to a valid file: a byte, a length or a count changed, the end cut off, a part left out or repeated.</summary>
internal static class Mutations
{
    public static byte[] Damage(byte[] whole, int at, byte value, int kind, int length)
    {
        at = Math.Min(at, whole.Length - 8);
        var bytes = (byte[])whole.Clone();
        switch (kind)
        {
            case 0: bytes[at] = value; break;
            case 1: bytes.AsSpan(at, 8).Fill(value); break;
            case 2: bytes[at] = value; bytes = bytes[..length]; break;
            default: bytes = [.. whole[..at], .. whole[Math.Min(whole.Length, at + value % 16)..]]; break;
        }
        return bytes;
    }

    /// <summary>What the user can be told may happen, nothing else.</summary>
    public static void Try(string path, byte[] bytes, Action<string> open)
    {
        File.WriteAllBytes(path, bytes);
        try
        {
            open(path);
        }
        catch (UserErrorException) { }
    }
}
