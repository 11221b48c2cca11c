namespace Dolmen.Data.Languages;

/// <summary>Scripts by their ISO 15924 codes. <see cref="Zyyy"/>: no letter of any of them.</summary>
internal enum Script : byte
{
    Zyyy,
    Latn, Cyrl, Arab, Deva,
    Hani, Hira, Kana, Hang, Bopo, Yiii,
    Grek, Armn, Geor, Hebr, Syrc, Thaa, Nkoo,
    Beng, Guru, Gujr, Orya, Taml, Telu, Knda, Mlym, Sinh,
    Thai, Laoo, Khmr, Mymr, Tibt,
    Ethi, Cher, Cans, Mong, Tfng, Olck, Mtei, Java, Bali, Sund, Vaii, Adlm,
    /// <summary>Han with kana: no script of a letter, but the script of a text.</summary>
    Jpan,
}

internal static class Scripts
{
    public const int Count = (int)Script.Jpan + 1;

    // Of the basic plane; one byte a character, of which a text touches a few pages.
    private static readonly byte[] Table = Build();

    private static ReadOnlySpan<(int First, int Last, Script Script)> Ranges =>
        new (int, int, Script)[]
        {
            (0x0041, 0x024F, Script.Latn), (0x0250, 0x02B8, Script.Latn), (0x1D00, 0x1D25, Script.Latn), (0x1E00, 0x1EFF, Script.Latn),
            (0x2C60, 0x2C7F, Script.Latn), (0xA722, 0xA7FF, Script.Latn), (0xAB30, 0xAB64, Script.Latn), (0xFB00, 0xFB06, Script.Latn),
            (0xFF21, 0xFF5A, Script.Latn),
            (0x0400, 0x052F, Script.Cyrl), (0x1C80, 0x1C8F, Script.Cyrl), (0x2DE0, 0x2DFF, Script.Cyrl), (0xA640, 0xA69F, Script.Cyrl),
            (0x0600, 0x06FF, Script.Arab), (0x0750, 0x077F, Script.Arab), (0x0870, 0x08FF, Script.Arab), (0xFB50, 0xFDFF, Script.Arab),
            (0xFE70, 0xFEFC, Script.Arab),
            (0x0900, 0x097F, Script.Deva), (0xA8E0, 0xA8FF, Script.Deva),
            (0x2E80, 0x2FDF, Script.Hani), (0x3005, 0x3007, Script.Hani), (0x3021, 0x3029, Script.Hani), (0x3400, 0x4DBF, Script.Hani),
            (0x4E00, 0x9FFF, Script.Hani), (0xF900, 0xFAFF, Script.Hani),
            (0x3041, 0x309F, Script.Hira), (0x30A1, 0x30FA, Script.Kana), (0x30FD, 0x30FF, Script.Kana), (0x31F0, 0x31FF, Script.Kana),
            (0xFF66, 0xFF6F, Script.Kana), (0xFF71, 0xFF9D, Script.Kana),
            (0x1100, 0x11FF, Script.Hang), (0x3131, 0x318E, Script.Hang), (0xA960, 0xA97F, Script.Hang), (0xAC00, 0xD7FF, Script.Hang),
            (0xFFA1, 0xFFDC, Script.Hang),
            (0x3105, 0x312F, Script.Bopo), (0x31A0, 0x31BF, Script.Bopo), (0xA000, 0xA48F, Script.Yiii),
            (0x0370, 0x03FF, Script.Grek), (0x1F00, 0x1FFF, Script.Grek),
            (0x0530, 0x058F, Script.Armn), (0xFB13, 0xFB17, Script.Armn),
            (0x10A0, 0x10FF, Script.Geor), (0x1C90, 0x1CBF, Script.Geor), (0x2D00, 0x2D2F, Script.Geor),
            (0x0590, 0x05FF, Script.Hebr), (0xFB1D, 0xFB4F, Script.Hebr),
            (0x0700, 0x074F, Script.Syrc), (0x0780, 0x07BF, Script.Thaa), (0x07C0, 0x07FF, Script.Nkoo),
            (0x0980, 0x09FF, Script.Beng), (0x0A00, 0x0A7F, Script.Guru), (0x0A80, 0x0AFF, Script.Gujr), (0x0B00, 0x0B7F, Script.Orya),
            (0x0B80, 0x0BFF, Script.Taml), (0x0C00, 0x0C7F, Script.Telu), (0x0C80, 0x0CFF, Script.Knda), (0x0D00, 0x0D7F, Script.Mlym),
            (0x0D80, 0x0DFF, Script.Sinh), (0x0E00, 0x0E7F, Script.Thai), (0x0E80, 0x0EFF, Script.Laoo), (0x0F00, 0x0FFF, Script.Tibt),
            (0x1000, 0x109F, Script.Mymr), (0xA9E0, 0xA9FF, Script.Mymr), (0xAA60, 0xAA7F, Script.Mymr), (0x1780, 0x17FF, Script.Khmr),
            (0x1200, 0x139F, Script.Ethi), (0x2D80, 0x2DDF, Script.Ethi), (0xAB01, 0xAB2F, Script.Ethi),
            (0x13A0, 0x13FF, Script.Cher), (0xAB70, 0xABBF, Script.Cher), (0x1400, 0x167F, Script.Cans), (0x18B0, 0x18FF, Script.Cans),
            (0x1800, 0x18AF, Script.Mong), (0x2D30, 0x2D7F, Script.Tfng), (0x1C50, 0x1C7F, Script.Olck),
            (0xAAE0, 0xAAFF, Script.Mtei), (0xABC0, 0xABFF, Script.Mtei),
            (0xA980, 0xA9DF, Script.Java), (0x1B00, 0x1B7F, Script.Bali), (0x1B80, 0x1BBF, Script.Sund), (0xA500, 0xA63F, Script.Vaii),
        };

    /// <summary>The script of a letter; anything else has none.</summary>
    public static Script Of(char letter) => (Script)Table[letter];

    /// <summary>The script of a letter beyond the basic plane.</summary>
    public static Script Of(char high, char low)
    {
        if (!char.IsSurrogatePair(high, low)) return Script.Zyyy;
        return char.ConvertToUtf32(high, low) switch
        {
            >= 0x20000 and <= 0x3FFFF => Script.Hani,
            >= 0x1B000 and <= 0x1B16F => Script.Hira,
            >= 0x1E900 and <= 0x1E943 => Script.Adlm,
            _ => Script.Zyyy,
        };
    }

    private static byte[] Build()
    {
        var table = new byte[char.MaxValue + 1];
        foreach (var (first, last, script) in Ranges)
            for (var letter = first; letter <= last; letter++)
                if (char.IsLetter((char)letter)) table[letter] = (byte)script;
        return table;
    }
}
