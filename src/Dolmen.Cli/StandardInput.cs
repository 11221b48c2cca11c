using Dolmen.Artifacts;

namespace Dolmen.Cli;

/// <summary>Text from standard input, which must be UTF-8: .NET's own reader would replace what is not.</summary>
internal static class StandardInput
{
    private const string Name = "standard input";
    private const long LargestText = 1L << 30;

    /// <exception cref="UserErrorException">The bytes are not UTF-8, or too many.</exception>
    public static string ReadToEnd()
    {
        using var all = new MemoryStream();
        using var input = Console.OpenStandardInput();
        var block = new byte[1 << 16];
        for (int read; (read = input.Read(block)) > 0;)
        {
            all.Write(block, 0, read);
            if (all.Length > LargestText)
                throw new UserErrorException($"{Name} holds more than {LargestText >> 20} MB, the most that is read at once: split it.");
        }
        return StrictText.DecodeWhole(all.ToArray(), Name);
    }

    /// <summary>Reads a line a call, null at the end: a terminal's as the system edits them, redirected ones as UTF-8.</summary>
    /// <exception cref="UserErrorException">From the function returned: the line is not UTF-8.</exception>
    public static Func<string?> Lines()
    {
        if (!Console.IsInputRedirected) return Console.In.ReadLine;
        var input = new BufferedStream(Console.OpenStandardInput());
        var number = 0L;
        return () =>
        {
            var line = new List<byte>();
            int next;
            while ((next = input.ReadByte()) is >= 0 and not '\n') line.Add((byte)next);
            if (next < 0 && line.Count == 0) return null;
            byte[] bytes = [.. line];
            if (++number == 1 && bytes.AsSpan().StartsWith("\uFEFF"u8)) bytes = bytes[3..];
            return StrictText.Decode(bytes, Name, number).TrimEnd('\r');
        };
    }
}
