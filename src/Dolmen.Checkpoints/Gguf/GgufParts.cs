using System.Globalization;
using System.Text.RegularExpressions;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>One file of a model: a GGUF file, or one of those it was split into.</summary>
internal sealed record GgufPart(
    string Path, SafeFileHandle Handle, long DataStart, Dictionary<string, GgufValue> Metadata, List<GgufTensor> Tensors) : IDisposable
{
    /// <exception cref="UserErrorException">Missing, cut off, damaged, or with tensors of a type that is not read here.</exception>
    public static GgufPart Open(string path)
    {
        if (!File.Exists(path)) throw new UserErrorException($"'{path}' does not exist: name a .gguf file.");
        var handle = RegularFile.OpenHandle(path);
        try
        {
            var (dataStart, metadata, tensors) = GgufHeader.Read(new GgufBytes(path, handle));
            return new GgufPart(path, handle, dataStart, metadata, tensors);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public void Dispose() => Handle.Dispose();
}

/// <summary>Joins the files that llama.cpp splits large models into, NAME-00001-of-00003.gguf and so on: the first has the metadata, each
/// has some of the tensors and says which part of how many it is.</summary>
internal static partial class GgufParts
{
    private const string NumberKey = "split.no", CountKey = "split.count", TensorsKey = "split.tensors.count";

    /// <summary>Each part is an open file.</summary>
    private const int Most = 512;

    /// <param name="path">The file, or any of its parts.</param>
    public static List<GgufPart> Open(string path)
    {
        var named = GgufPart.Open(path);
        var parts = new List<GgufPart> { named };
        try
        {
            var count = new GgufMetadata(path, named.Metadata).FindInt32(CountKey) ?? 1;
            if (count <= 1)
                return parts;
            if (count > Most)
                throw Refused(
                    named,
                    $"it says it is one of {count} parts; at most {Most} are read. Join them with 'llama-gguf-split --merge'"
                );
            var number = Number(named, count);
            parts.Clear();
            for (var i = 0; i < count; i++) parts.Add(i == number ? named : Sibling(named, number, i, count));
            Check(parts);
            return parts;
        }
        catch
        {
            foreach (var part in parts.Append(named)) part.Dispose();
            throw;
        }
    }

    [GeneratedRegex(@"-(\d{5})-of-(\d{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();

    private static int Number(GgufPart part, int count)
    {
        var number = new GgufMetadata(part.Path, part.Metadata).FindInt32(NumberKey) ?? -1;
        if (number < 0 || number >= count)
            throw Refused(part, $"its {NumberKey} is {(number < 0 ? "missing" : number)} where {CountKey} is {count}");
        var name = Suffix().Match(part.Path);
        if (!name.Success || Named(name, 1) != number + 1 || Named(name, 2) != count)
        {
            throw Refused(part, $"it is part {number + 1} of {count} and must be named so that the others can be found: " +
                $"NAME-{number + 1:00000}-of-{count:00000}.gguf. Rename it as it was, or join the parts with 'llama-gguf-split --merge'");
        }
        return number;

        static int Named(Match match, int group) =>
            int.Parse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static GgufPart Sibling(GgufPart named, int number, int index, int count)
    {
        var path = $"{named.Path[..Suffix().Match(named.Path).Index]}-{index + 1:00000}-of-{count:00000}.gguf";
        if (!File.Exists(path))
        {
            throw new UserErrorException(
                $"'{path}' does not exist: '{named.Path}' is part {number + 1} of {count}, and all of them are needed. "
                    + "Put them into one folder."
            );
        }
        var part = GgufPart.Open(path);
        try
        {
            var said = new GgufMetadata(path, part.Metadata);
            if (said.FindInt32(CountKey) == count && said.FindInt32(NumberKey) == index) return part;
            throw Refused(part, $"its {NumberKey} and {CountKey} are {said.FindInt32(NumberKey)?.ToString() ?? "missing"} and " +
                $"{said.FindInt32(CountKey)?.ToString() ?? "missing"}, where {index} and {count} are due");
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private static void Check(List<GgufPart> parts)
    {
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in parts)
        {
            foreach (var tensor in part.Tensors)
            {
                if (!places.TryAdd(tensor.Name, part.Path))
                    throw Refused(part, $"tensor '{tensor.Name}' is also in '{places[tensor.Name]}'");
            }
        }
        foreach (var part in parts)
        {
            var due = new GgufMetadata(part.Path, part.Metadata).FindInt32(TensorsKey);
            if (due != places.Count)
            {
                throw Refused(
                    part,
                    $"its {TensorsKey} is {due?.ToString() ?? "missing"}, but the {parts.Count} parts hold {places.Count} tensors"
                );
            }
        }
    }

    private static UserErrorException Refused(GgufPart part, string rule) =>
        new(
            $"'{part.Path}' does not fit the other parts of its model: {rule}. Convert or fetch the model again if its parts are not from "
                + $"one split."
        );
}
