using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Artifacts;

namespace Dolmen.Data.Quality;

/// <summary>A model as one safetensors file whose <c>__metadata__</c> says, as JSON, what it is and how it was made: any safetensors reader
/// opens it, and nothing in it runs.</summary>
internal static class ModelFile
{
    public const string Extension = ".safetensors";

    private const string About = "dolmen";
    private const int MaxHeaderBytes = 16 << 20;
    private const long MaxDataBytes = 4L << 30;

    public static void Write(string path, string about, params (string Name, string Type, Array Values)[] tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "dolmen", [About] = about } };
        long at = 0;
        foreach (var (name, type, values) in tensors)
        {
            var bytes = Buffer.ByteLength(values);
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray(values.Length),
                ["data_offsets"] = new JsonArray(at, at + bytes),
            };
            at += bytes;
        }
        var json = header.ToJsonString();
        json += new string(' ', (8 - (Encoding.UTF8.GetByteCount(json) % 8)) % 8);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            var bytes = Encoding.UTF8.GetBytes(json);
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)bytes.Length);
            stream.Write(length);
            stream.Write(bytes);
            foreach (var (_, _, values) in tensors)
            {
                if (values is float[] floats) stream.Write(MemoryMarshal.AsBytes<float>(floats));
                else stream.Write(MemoryMarshal.AsBytes<uint>((uint[])values));
            }
        });
    }

    /// <summary>The metadata and the tensors, all of which must be there, of the type asked for and of the same length.</summary>
    public static (string About, Dictionary<string, Array> Tensors) Read(
        string path,
        string whatItIs,
        params (string Name, string Type)[] wanted
    )
    {
        try
        {
            using var stream = RegularFile.OpenRead(path);
            Span<byte> length = stackalloc byte[8];
            stream.ReadExactly(length);
            var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(length);
            if (headerBytes > MaxHeaderBytes || (long)headerBytes > stream.Length - 8)
                throw new InvalidDataException($"its header would have {headerBytes} bytes.");
            var bytes = new byte[headerBytes];
            stream.ReadExactly(bytes);
            var header =
                JsonNode.Parse(bytes, documentOptions: new JsonDocumentOptions { MaxDepth = 8 }) as JsonObject
                ?? throw new InvalidDataException("its header is not an object.");
            var about = (string?)header["__metadata__"]?[About] ?? throw new InvalidDataException("its metadata do not say what it is.");
            var tensors = new Dictionary<string, Array>(StringComparer.Ordinal);
            foreach (var (name, type) in wanted)
                tensors[name] = Tensor(stream, header, 8 + (long)headerBytes, name, type);
            if (tensors.Values.Select(t => t.Length).Distinct().Count() > 1)
                throw new InvalidDataException("its tensors differ in length.");
            return (about, tensors);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserErrorException($"{path} does not exist: name the {whatItIs} that 'dolmen corpus train-classifier' wrote.", error);
        }
        catch (Exception error)
            when (error
                    is InvalidDataException
                        or JsonException
                        or EndOfStreamException
                        or InvalidOperationException
                        or FormatException
                        or OverflowException
                        or ArgumentException
            )
        {
            throw Broken(path, whatItIs, error.Message, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{path} cannot be read: {error.Message} Check its permissions or name another {whatItIs}.",
                error
            );
        }
    }

    public static UserErrorException Broken(string path, string whatItIs, string why, Exception? cause = null)
    {
        var message =
            $"{path} is not a readable {whatItIs}: {why} Train it again with 'dolmen corpus train-classifier', or name another.";
        return cause is null ? new UserErrorException(message) : new UserErrorException(message, cause);
    }

    private static Array Tensor(FileStream stream, JsonObject header, long data, string name, string type)
    {
        var entry = header[name] as JsonObject ?? throw new InvalidDataException($"it holds no {name}.");
        if ((string?)entry["dtype"] != type) throw new InvalidDataException($"{name} is {(string?)entry["dtype"]} and must be {type}.");
        if (entry["shape"] is not JsonArray { Count: 1 } shape || entry["data_offsets"] is not JsonArray { Count: 2 } offsets)
            throw new InvalidDataException($"{name} is not a vector.");
        var (count, from, to) = ((long?)shape[0] ?? -1, (long?)offsets[0] ?? -1, (long?)offsets[1] ?? -1);
        if (count < 0 || count > MaxDataBytes / 4 || from < 0 || to - from != count * 4 || to > stream.Length - data)
            throw new InvalidDataException($"{name} has {count} values at {from} to {to}, which the file does not hold.");
        stream.Position = data + from;
        if (type == "F32")
        {
            var floats = new float[count];
            stream.ReadExactly(MemoryMarshal.AsBytes(floats.AsSpan()));
            if (floats.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
                throw new InvalidDataException($"{name} holds a value that is not finite.");
            return floats;
        }
        var whole = new uint[count];
        stream.ReadExactly(MemoryMarshal.AsBytes(whole.AsSpan()));
        return whole;
    }
}
