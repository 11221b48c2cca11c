namespace Dolmen.Cli;

/// <summary>Says what the operating system refused about a file, with the way out; null for an error that is not the user's to
/// mend.</summary>
internal static class FileTrouble
{
    public static string? Of(Exception error) => error switch
    {
        AggregateException many => many.InnerExceptions.Select(Of).FirstOrDefault(message => message is not null),
        UnauthorizedAccessException => $"{error.Message.TrimEnd('.')}. Check the permissions or name another path.",
        PathTooLongException => $"{error.Message.TrimEnd('.')}. Name a shorter path.",
        DirectoryNotFoundException => $"{error.Message.TrimEnd('.')}. Check the path, or create the folder first.",
        FileNotFoundException => $"{error.Message.TrimEnd('.')}. Check the path.",
        IOException => Refused(error.HResult) is { } wayOut ? $"{error.Message.TrimEnd('.')}. {wayOut}" : null,
        _ => null,
    };

    private static string? Refused(int code) =>
        code switch
        {
            28 or 122 or unchecked((int)0x80070027) or unchecked((int)0x80070070) =>
                "That means: the disk is full. Nothing half-written was kept. Free some space or name another --out, then run the same "
                    + "command again.",
            30 or unchecked((int)0x80070013) => "The file system is read-only. Name another path.",
            13 or 1 => "Check the permissions or name another path.",
            17 or 20 or 21 => "A file stands where a folder is needed, or a folder where a file is. Name another path.",
            26 => "The file is a program that is running. Name another path.",
            27 => "The file would be larger than the file system or a limit allows. Name another path.",
            36 or 63 => "Name a shorter path.",
            40 or 62 => "Symbolic links lead round in a circle. Name the file itself.",
            6 or 19 or 22 => "The path is a device or holds characters that the file system refuses. Name another path.",
            _ => null,
        };
}
