using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dolmen.Artifacts;

/// <summary>Writes whole files or nothing: to a temporary name beside the target, flushed to disk, then renamed over it.</summary>
public static class AtomicFile
{
    public const string TemporarySuffix = ".partial";

    public static void Write(string path, Action<Stream> write)
    {
        var temporary = path + TemporarySuffix;
        RefuseSpecial(path);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>A file is put in the place of a regular file or of nothing, never in that of a device, a pipe, a socket or a
    /// folder.</summary>
    /// <exception cref="UserErrorException">Something else stands there.</exception>
    public static void RefuseSpecial(string path)
    {
        if (FileTypes.Of(path) is not (FileType.Regular or FileType.Missing) and var type)
        {
            throw new UserErrorException(
                $"{path} is {type.Name()}: a file is written only where nothing or a regular file is. Name another path."
            );
        }
    }

    public static void WriteText(string path, string text) => Write(path, s => s.Write(Encoding.UTF8.GetBytes(text)));

    public static void WriteJson<T>(string path, T value, JsonTypeInfo<T> type) =>
        Write(path, s => JsonSerializer.Serialize(s, value, type));

    /// <summary>One JSON value a line.</summary>
    public static void WriteJsonLines<T>(string path, IEnumerable<T> values, JsonTypeInfo<T> type) => Write(path, s =>
    {
        foreach (var value in values)
        {
            JsonSerializer.Serialize(s, value, type);
            s.WriteByte((byte)'\n');
        }
    });
}
