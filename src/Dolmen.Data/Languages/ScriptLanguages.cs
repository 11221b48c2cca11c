namespace Dolmen.Data.Languages;

/// <summary>Which languages are written in scripts that few are written in; the first is the one by far the most text is in.</summary>
internal static class ScriptLanguages
{
    /// <summary>Share of a text's main script from which nothing speaks against the language; less lowers the score in
    /// proportion.</summary>
    private const double PlentyShare = 0.75;

    private static readonly string[][] Languages = Build();

    /// <summary>Empty for the scripts of many languages: Latin, Cyrillic, Arabic, Devanagari.</summary>
    public static ReadOnlySpan<string> Of(Script script) => Languages[(int)script];

    /// <summary>How far the text's being in its main script bears a guess out.</summary>
    public static double Certainty(in ScriptShares shares) => Math.Min(1, shares.Share / PlentyShare);

    private static string[][] Build()
    {
        var table = new string[Scripts.Count][];
        Array.Fill(table, []);
        foreach (var (script, languages) in (ReadOnlySpan<(Script, string[])>)
            [
                (Script.Hang, ["ko"]), (Script.Hira, ["ja"]), (Script.Kana, ["ja"]), (Script.Jpan, ["ja"]), (Script.Hani, ["zh"]),
                (Script.Bopo, ["zh"]), (Script.Yiii, ["ii"]), (Script.Grek, ["el"]), (Script.Armn, ["hy"]),
                (Script.Geor, ["ka", "xmf"]), (Script.Hebr, ["he", "yi"]), (Script.Syrc, ["syr"]), (Script.Thaa, ["dv"]),
                (Script.Nkoo, ["nqo"]), (Script.Beng, ["bn", "as", "bpy"]), (Script.Guru, ["pa"]), (Script.Gujr, ["gu"]),
                (Script.Orya, ["or"]), (Script.Taml, ["ta"]), (Script.Telu, ["te"]), (Script.Knda, ["kn"]), (Script.Mlym, ["ml"]),
                (Script.Sinh, ["si"]), (Script.Thai, ["th"]), (Script.Laoo, ["lo"]), (Script.Khmr, ["km"]), (Script.Mymr, ["my", "shn"]),
                (Script.Tibt, ["bo", "dz"]), (Script.Ethi, ["am", "ti"]), (Script.Cher, ["chr"]), (Script.Cans, ["iu"]),
                (Script.Mong, ["mn"]), (Script.Tfng, ["zgh"]), (Script.Olck, ["sat"]), (Script.Mtei, ["mni"]), (Script.Java, ["jv"]),
                (Script.Bali, ["ban"]), (Script.Sund, ["su"]), (Script.Vaii, ["vai"]), (Script.Adlm, ["ff"]),
            ])
            table[(int)script] = languages;
        return table;
    }
}
