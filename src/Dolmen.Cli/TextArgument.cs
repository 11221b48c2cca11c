using Dolmen.Artifacts;

namespace Dolmen.Cli;

/// <summary>A text that is an argument, the content of the file after --input, or else standard input.</summary>
internal static class TextArgument
{
    private const long LargestFile = 1L << 30;

    /// <exception cref="UserErrorException">There are two texts, or the bytes are not UTF-8.</exception>
    public static string Read(string? text, string? input)
    {
        if (input is null) return text ?? StandardInput.ReadToEnd();
        if (text is not null) throw new UserErrorException($"There are two texts, '{text}' and --input {input}: give one.");
        using var file = DataFile.Open(input, "a file with the text after --input");
        return StrictText.DecodeWhole(file.ReadAll(LargestFile), input);
    }
}
