using System.Security.Cryptography;
using System.Text;
using Dolmen.Web.Encodings;

namespace Dolmen.Tests.Web.Encodings;

/// <summary>Bytes at random, most of them wrong: what becomes of errors, and which bytes are read again, is part of the standard too. The
/// hashes are those of what the npm package @exodus/bytes 1.16.0, another reading of the standard, makes of the same bytes.</summary>
public class EncodingStreams
{
    [Theory]
    [InlineData("shift_jis", "e76c49e2bc22cf1d30f3bffc2f8c43bf0c5391e7cd3f052d1f4b8f3846ab20c7")]
    [InlineData("euc-jp", "a361b3eb2726c992a4d77358ce3bddb1aa5f6f5a06eda26fccfe2aa509a2eaba")]
    [InlineData("iso-2022-jp", "580f43a93f20914032e42c7a57747f045607e3b06c3de5a54dcda34cde03c600")]
    [InlineData("big5", "217086ac9307d734696cee98d251c030856ea44f0208e31c1cb9bcf69334149a")]
    [InlineData("euc-kr", "f7cc5eb0f2192447e7c33ef71fb99d7d6e5d76ad3702e150f30f5bb29076f2fd")]
    [InlineData("gb18030", "53fbc0b2205723e2df81aec2e419d409ef3a2f7ff5cccca8fb77a31414feffff")]
    [InlineData("gbk", "53fbc0b2205723e2df81aec2e419d409ef3a2f7ff5cccca8fb77a31414feffff")]
    [InlineData("utf-8", "6b32eab7e1b484238589fcbc60c6cf4801b5f0a206d53c9df41444fb8b3bc8e9")]
    [InlineData("utf-16le", "3804163075b503d08eef287517b31665b9877a7fe86351cf5032328e0161dc25")]
    [InlineData("utf-16be", "8a31a2edbf9fca9163eabf3cbec0754a85fe2cafc9bc27240fe1307dc2678741")]
    [InlineData("x-user-defined", "d70c3e89c0711acf1f810e541f444528e0b594b6cc5dac780f558f6dde58f23e")]
    [InlineData("koi8-u", "50e36dccf46a384c1c38a45f3c42a0cc6733ae3b122dc7773518be9818e58741")]
    [InlineData("windows-1253", "453335953633be48b24108c99bcd294d0cd32b3f7ad9758fce0130a900b51105")]
    public void Wrong_bytes_are_replaced_as_the_standard_says(string label, string hash) =>
        Assert.Equal(hash, Hash(Charsets.Find(label)!.Decode(Bytes(sevenBits: label == "iso-2022-jp"))));

    [Fact]
    public void Every_label_of_the_standard_names_its_encoding()
    {
        // Of the lines "label encoding" of the standard's encodings.json (228 labels), sorted.
        var standard = Charsets
            .StandardLabels.Select(label => $"{label} {Charsets.Find(label)!.Name}")
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(
            (228, "d9153e22e1ff538549310364cdcfb22e7aee13578352f4571a187d13857df8d9"),
            (standard.Count, Hash(string.Join('\n', standard)))
        );
    }

    [Theory]
    [InlineData(" \tUTF-8\r\n", "utf-8")]
    [InlineData("ISO-8859-1", "windows-1252")]
    [InlineData("ISO-8859-16", "iso-8859-16")]
    [InlineData("ISO-8859-16\u00A0", null)]
    [InlineData("\u212AOI8-R", null)]
    [InlineData("utf-7", null)]
    [InlineData("utf-32", null)]
    [InlineData("ibm850", null)]
    [InlineData("", null)]
    public void Labels_are_compared_without_case_and_blanks(string label, string? name) => Assert.Equal(name, Charsets.Find(label)?.Name);

    [Fact]
    public void Encodings_that_browsers_refuse_become_one_replacement_character()
    {
        foreach (var label in new[] { "hz-gb-2312", "iso-2022-kr", "iso-2022-cn", "iso-2022-cn-ext", "csiso2022kr", "replacement" })
            Assert.Equal(("\uFFFD", ""), (Charsets.Find(label)!.Decode("~{abc"u8), Charsets.Find(label)!.Decode([])));
    }

    private static byte[] Bytes(bool sevenBits)
    {
        byte[] escapes = [0x1B, 0x1B, 0x24, 0x28, 0x42, 0x4A, 0x49, 0x40];
        var state = 7u;
        var bytes = new byte[60_000];
        for (var i = 0; i < bytes.Length; i++)
        {
            state = unchecked((state * 1664525) + 1013904223);
            var (high, kind) = ((byte)(state >> 24), (state >> 16) & 255);
            if (sevenBits) bytes[i] = kind < 96 ? escapes[high & 7] : (byte)((high & 0x7F) | (kind == 200 ? 0x80 : 0));
            else bytes[i] = kind < 64 ? (byte)(high & 0x7F) : kind < 96 ? (byte)(0x30 + (high % 10)) : (byte)(high | 0x80);
        }
        return bytes;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
