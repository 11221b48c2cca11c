using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Artifacts;

/// <summary>
/// Opens files for reading, but no named pipe, socket or device: opening a pipe waits for its other end, and a device may never end. All
/// that Dolmen reads goes through here, since anything may lie in a folder under the name of a file; a missing file is the runtime's to
/// report.
/// </summary>
public static class RegularFile
{
    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static FileStream OpenRead(string path) => File.OpenRead(Regular(path));

    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static SafeFileHandle OpenHandle(string path) => File.OpenHandle(Regular(path));

    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static byte[] ReadAllBytes(string path) => File.ReadAllBytes(Regular(path));

    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static string ReadAllText(string path) => File.ReadAllText(Regular(path));

    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static IEnumerable<string> ReadLines(string path) => File.ReadLines(Regular(path), Encoding.UTF8);

    /// <exception cref="UserErrorException">A pipe, a socket or a device is to be copied.</exception>
    public static void Copy(string from, string to, bool overwrite = false) => File.Copy(Regular(from), to, overwrite);

    /// <returns>The path, once it is known that opening it neither waits nor reads without end.</returns>
    /// <exception cref="UserErrorException">A pipe, a socket or a device is there.</exception>
    public static string Regular(string path)
    {
        if (FileTypes.Of(path) is (FileType.Pipe or FileType.Socket or FileType.Device) and var type)
            throw new UserErrorException(
                $"{path} is {type.Name()}, and only regular files are read: put a copy of what it gives in its place.");
        return path;
    }
}
