using System.Globalization;

namespace Dolmen.Inference.Constraints;

/// <summary>The general categories of Unicode by the names that regular expressions use (Unicode Standard, table 4-4).</summary>
internal static class GeneralCategories
{
    private static readonly string[] ShortNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    public static string ShortName(UnicodeCategory category) => ShortNames[(int)category];
}
