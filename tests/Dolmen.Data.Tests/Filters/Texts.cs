using CsCheck;

namespace Dolmen.Tests.Data.Filters;

/// <summary>Texts of pieces that filters look for, of all scripts, and of any UTF-16 at all.</summary>
internal static class Texts
{
    private static readonly string[] Pieces =
    [
        " ",
        " ",
        " ",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "the",
        "and",
        "Word",
        "javascript",
        "lorem ipsum",
        "privacy policy",
        "{",
        "[12]",
        "[edit]",
        "...",
        "…",
        "•",
        "-",
        "#",
        ".",
        "!",
        "。",
        "३",
        "।",
        "한국의",
        "中文的",
        "カタカナ",
        "ひらがなの",
        "ภาษาไทย",
        "မြန်မာ",
        "ខ្មែរ",
        "བོད་",
        "e\u0301",
        "\u0301",
        "😀",
        "\uD800",
        "\uDC00",
        "\0",
        "\u200B",
        "\u00A0",
        "\uFEFF",
        "𠀀",
        "l'",
        "3,5",
        "555-123-4567",
        "a@b.co",
        "8.8.8.8",
        "+49 30 123456",
        "2001:4860:4860::8888",
        "[",
        "]",
        "Read more...",
        "12 likes",
    ];

    public static readonly Gen<string> Any = Gen.Frequency(
        (4, Gen.Int[0, Pieces.Length - 1].Array[0, 120].Select(picks => string.Concat(picks.Select(pick => Pieces[pick])))),
        (1, Gen.Char['\0', '\uFFFF'].Array[0, 80].Select(units => new string(units))));
}
