namespace Dolmen.Checkpoints;

/// <summary>Python writes Infinity and NaN into JSON, which JSON does not know: here they become strings.</summary>
internal static class PythonJson
{
    private static readonly byte[][] Literals = ["-Infinity"u8.ToArray(), "Infinity"u8.ToArray(), "NaN"u8.ToArray()];

    public static ReadOnlyMemory<byte> Quoted(byte[] json)
    {
        if (json.AsSpan().IndexOf("Infinity"u8) < 0 && json.AsSpan().IndexOf("NaN"u8) < 0) return json;
        var result = new List<byte>(json.Length + 16);
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            if (inString)
            {
                if (json[i] == '\\' && i + 1 < json.Length) result.Add(json[i++]);
                else if (json[i] == '"') inString = false;
                result.Add(json[i]);
                continue;
            }
            var rest = json.AsSpan(i);
            if (Array.Find(Literals, candidate => json.AsSpan(i).StartsWith(candidate)) is { } literal)
            {
                result.AddRange([(byte)'"', .. literal, (byte)'"']);
                i += literal.Length - 1;
                continue;
            }
            inString = rest[0] == '"';
            result.Add(rest[0]);
        }
        return result.ToArray();
    }
}
