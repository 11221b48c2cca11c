using System.Text;

namespace Dolmen.Data.Sources;

/// <summary>The encodings web pages name, by the labels of the WHATWG Encoding Standard: a browser reads "iso-8859-1" as windows-1252
/// and "gb2312" as GB 18030, and so must who reads what was written for browsers.</summary>
internal static class Charsets
{
    private const string Labels = """
        utf-8: utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 utf-8-bom utf_8 utf
        utf-16: utf-16le unicode ucs-2 iso-10646-ucs-2 csunicode unicodefeff
        utf-16be: unicodefffe
        windows-1252: iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 latin1 l1 latin-1 ascii us-ascii ansi_x3.4-1968 iso-ir-100 ibm819 cp819 csisolatin1 cp1252 x-cp1252 win-1252 x-user-defined
        windows-1250: cp1250 x-cp1250 win-1250
        windows-1251: cp1251 x-cp1251 win-1251 win1251 windows1251
        windows-1253: cp1253 x-cp1253
        windows-1254: cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5
        windows-1255: cp1255 x-cp1255
        windows-1256: cp1256 x-cp1256
        windows-1257: cp1257 x-cp1257
        windows-1258: cp1258 x-cp1258
        windows-874: tis-620 tis620 iso-8859-11 iso8859-11 iso885911 dos-874
        iso-8859-2: iso8859-2 iso88592 iso_8859-2 latin2 l2 csisolatin2
        iso-8859-3: iso8859-3 latin3
        iso-8859-4: iso8859-4 latin4
        iso-8859-5: iso8859-5 iso88595 iso_8859-5 cyrillic
        iso-8859-6: iso8859-6 iso88596 arabic
        iso-8859-7: iso8859-7 iso88597 greek
        iso-8859-8: iso8859-8 iso88598 hebrew visual iso-8859-8-i logical
        iso-8859-13: iso8859-13 iso885913
        iso-8859-15: iso8859-15 iso885915 latin9 l9
        koi8-r: koi koi8 koi8_r cskoi8r
        koi8-u: koi8-ru
        macintosh: mac x-mac-roman
        x-mac-cyrillic: x-mac-ukrainian
        ibm866: 866 cp866
        gb18030: gbk gb2312 gb_2312 gb_2312-80 x-gbk chinese csgb2312 csiso58gb231280 iso-ir-58 cp936 ms936 windows-936 gb-2312 euc-cn x-euc-cn
        big5: big5-hkscs cn-big5 csbig5 x-x-big5 cp950 windows-950
        949: euc-kr euckr ks_c_5601-1987 ks_c_5601 ks_c_5601-1989 ksc5601 ksc_5601 korean cseuckr iso-ir-149 windows-949 cp949 ms949 uhc
        932: shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis cp932
        51932: euc-jp eucjp x-euc-jp cseucpkdfmtjapanese
        50220: iso-2022-jp csiso2022jp
        50225: iso-2022-kr
        52936: hz-gb-2312
        """;

    // Code pages would put a question mark for a byte that means nothing.
    private static readonly DecoderReplacementFallback Replacement = new("\uFFFD");
    private static readonly Dictionary<string, string> Canonical = Load();

    static Charsets() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <returns>Null when the label means nothing, or UTF-7, which no browser reads.</returns>
    public static Encoding? Find(string? label)
    {
        if (string.IsNullOrWhiteSpace(label)) return null;
        var name = label.Trim().ToLowerInvariant();
        name = Canonical.GetValueOrDefault(name, name);
        if (name is "utf-7" or "65000" or "utf-32" or "utf-32be" or "unicode-1-1-utf-7") return null;
        try
        {
            return int.TryParse(name, out var page) ? Encoding.GetEncoding(page, EncoderFallback.ReplacementFallback, Replacement)
                : Encoding.GetEncoding(name, EncoderFallback.ReplacementFallback, Replacement);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    private static Dictionary<string, string> Load()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in Labels.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':');
            foreach (var label in line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)) names.Add(label, line[..colon]);
        }
        return names;
    }
}
