using System.Text;

namespace Dolmen.Web.Encodings;

/// <summary>The encodings web pages name, by the labels of the WHATWG Encoding Standard: a browser reads "iso-8859-1" as windows-1252
/// and "gb2312" as GB 18030, and so must who reads what was written for browsers.</summary>
internal static class Charsets
{
    // Names that the standard does not list, servers send, and only one encoding can be meant by.
    private const string MoreLabels = """
        utf-8: utf-8-bom utf_8 utf
        windows-1252: latin-1 win-1252
        windows-1250: win-1250
        windows-1251: win-1251 win1251 windows1251
        windows-874: tis620
        gb18030: cp936 ms936 windows-936 gb-2312 euc-cn x-euc-cn
        big5: cp950 windows-950
        euc-kr: euckr ks_c_5601 cp949 ms949 uhc
        shift_jis: cp932
        euc-jp: eucjp
        """;

    private static readonly Dictionary<string, Charset> ByLabel = Load();

    public static Charset Utf8 { get; } = ByLabel["utf-8"];

    public static Charset Windows1252 { get; } = ByLabel["windows-1252"];

    public static Charset Iso2022Jp { get; } = ByLabel["iso-2022-jp"];

    /// <summary>The labels of the standard itself.</summary>
    public static IEnumerable<string> StandardLabels => Lines(Stored()).SelectMany(line => line.Labels);

    /// <returns>Null when no encoding has the label; UTF-7 and UTF-32 are among those that browsers do not read.</returns>
    public static Charset? Find(string? label) =>
        label is not null && Ascii.IsValid(label)
            ? ByLabel.GetValueOrDefault(label.Trim(' ', '\t', '\n', '\f', '\r').ToLowerInvariant())
            : null;

    private static Dictionary<string, Charset> Load()
    {
        var charsets = new Dictionary<string, Charset>(StringComparer.Ordinal);
        foreach (var (name, labels) in Lines(Stored()))
        {
            var charset = Make(name);
            foreach (var label in labels) charsets.Add(label, charset);
        }
        foreach (var (name, labels) in Lines(MoreLabels))
            foreach (var label in labels) charsets.TryAdd(label, charsets[name]);
        return charsets;
    }

    private static string Stored()
    {
        using var stored = new StreamReader(typeof(Charsets).Assembly.GetManifestResourceStream("charset-labels.txt")
            ?? throw new InvalidOperationException("The assembly was built without its charset labels."), Encoding.ASCII);
        return stored.ReadToEnd();
    }

    private static IEnumerable<(string Name, string[] Labels)> Lines(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            yield return (line[..colon], line[(colon + 2)..].Split(' '));
        }
    }

    private static Charset Make(string name) => name switch
    {
        "utf-8" => new UnicodeCharset(name, Encoding.UTF8),
        "utf-16le" => new UnicodeCharset(name, Encoding.Unicode),
        "utf-16be" => new UnicodeCharset(name, Encoding.BigEndianUnicode),
        "gbk" or "gb18030" => new MultiByteCharset(name, Gb18030.Decode),
        "big5" => new MultiByteCharset(name, EastAsian.Big5),
        "euc-jp" => new MultiByteCharset(name, EastAsian.EucJp),
        "euc-kr" => new MultiByteCharset(name, EastAsian.EucKr),
        "shift_jis" => new MultiByteCharset(name, EastAsian.ShiftJis),
        "iso-2022-jp" => new MultiByteCharset(name, Encodings.Iso2022Jp.Decode),
        "replacement" => new ReplacementCharset(name),
        "x-user-defined" => new SingleByteCharset(name, [.. Enumerable.Range(0xF780, 128)]),
        // Only the direction of the text differs.
        "iso-8859-8-i" => new SingleByteCharset(name, Index("iso-8859-8")),
        _ => new SingleByteCharset(name, Index(name)),
    };

    private static int[] Index(string name) =>
        CharsetIndexes.SingleByte(name) ?? throw new InvalidOperationException($"The charset indexes hold no table for '{name}'.");
}
