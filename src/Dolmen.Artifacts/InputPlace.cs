namespace Dolmen.Artifacts;

/// <summary>What a user names to be read: a regular file or a folder. A pipe, a socket or a device may never end and is not
/// opened.</summary>
public static class InputPlace
{
    /// <param name="option">Such as <c>--input</c>, for the message; empty where the path alone says enough.</param>
    /// <exception cref="UserErrorException">Nothing is there, or a folder, a pipe, a socket or a device.</exception>
    public static void ThrowUnlessFile(string path, string option = "")
    {
        var type = FileTypes.Of(path);
        if (type != FileType.Regular) throw new UserErrorException(Refusal(path, type, option, "a file"));
    }

    /// <exception cref="UserErrorException">Nothing is there, or a pipe, a socket or a device.</exception>
    public static void ThrowUnlessFileOrFolder(string path, string option = "")
    {
        var type = FileTypes.Of(path);
        if (type is not (FileType.Regular or FileType.Folder))
            throw new UserErrorException(Refusal(path, type, option, "a file or a folder"));
    }

    private static string Refusal(string path, FileType type, string option, string wanted)
    {
        var named = option.Length > 0 ? $"{option} {path}" : path;
        return type switch
        {
            FileType.Missing => $"{named} does not exist: name {wanted} that does.",
            FileType.Folder => $"{named} is a folder, and {wanted} is read here: name one inside it.",
            _ => $"{named} is {type.Name()}, and only regular files are read: save what it gives to a file and name that.",
        };
    }
}
