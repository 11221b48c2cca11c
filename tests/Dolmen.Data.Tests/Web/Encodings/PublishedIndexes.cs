using System.Security.Cryptography;
using System.Text;
using Dolmen.Web.Encodings;

namespace Dolmen.Tests.Web.Encodings;

/// <summary>Every pointer of every index of the WHATWG Encoding Standard goes through the decoder, and what comes out is hashed as the
/// standard hashes its lists: the published files name that hash in their line "Identifier" (whatwg/encoding, files of 2018 to
/// 2024).</summary>
public class PublishedIndexes
{
    public static TheoryData<string, string> SingleByte => new()
    {
        { "ibm866", "db6fe14a559d1601a7667338d83704773d5708dbc641e1ad3c5e21405770f05e" },
        { "iso-8859-2", "9569c67f22d0b57790e1c407c6eecf227e4562322dc296de43cdab7a0152ec73" },
        { "iso-8859-3", "af8f1e12df79b768322b5e83613698cdc619438270a2fc359554331c805054a3" },
        { "iso-8859-4", "72f29c92344d351fe9e74a946e7e0468d76d542c6894ff82982cb652ebe0feb7" },
        { "iso-8859-5", "fa9b1f3f5242df43e2e7bca80e9b6997c67944f20a4af91ee06bacc4e132d9c9" },
        { "iso-8859-6", "85bb7b5c2dc75975afebe5743935ba4ed5a09c1e9e34e9bfb2ff80293f5d8bbc" },
        { "iso-8859-7", "f53d8aeba36314ef950eef02ffcf11dff540638ce27dfe7a86b6ccc6875afb24" },
        { "iso-8859-8", "7657a9ca3fa875990da960d3f812eea28dcd0ae6ed55a18d5394303c86f5484b" },
        { "iso-8859-10", "02c2b5590d8ccda9931008c471f6ee2c590b2c8fe5e6ccb3b08638115d778507" },
        { "iso-8859-13", "40736338e964ab520407cebcb01329f8d450abf6ce12bf88b74b655b60e43300" },
        { "iso-8859-14", "2c8651cfc08b1f35b17919ee5379f2fa006af3ec809f11b3b7f470785580542b" },
        { "iso-8859-15", "a560aba47bccd7510a6ac77f671fe75dca3800f05cf6d676910c311a8f8ff079" },
        { "iso-8859-16", "55676320d2d1b6e6909f5b3d741a7cf0cefc84e920aa4474afc091459111c2e3" },
        { "koi8-r", "c5497cd9071cb352c0e56b219154e539badf63de40b71578f09e2e11fe7d50ae" },
        { "koi8-u", "19a4da2c3f245118bbc8019326f45a07832949938ff903f03d62ac4da1f61f40" },
        { "macintosh", "f2c6a4f6406b3e86a50a5dba4d2b7dd48e2e33c0d82aefe764535c934ec11764" },
        { "windows-874", "b416583ce125e38474381b31b401a98b19ecf2e57e0998e78a1e18b14894905d" },
        { "windows-1250", "0669455a7a1c70ba6003ea737991e8ee9adc455125c13cfe6705a361358de5fa" },
        { "windows-1251", "7592ef921679ba168b00a9e9afa3b4eebd67bf13dc7e84c4b6e120de856826e0" },
        { "windows-1252", "e56d49d9176e9a412283cf29ac9bd613f5620462f2a080a84eceaf974cfa18b7" },
        { "windows-1253", "49fdc881a3488904dd1e8dfba9aef3258454249958b611bcded1d4c981ab5561" },
        { "windows-1254", "e80a27adf377438be8ba5bd223875ea56d6a4d47f958cce1c957a2c446825caa" },
        { "windows-1255", "cd7fb43c97eefa1651084d92d02af53ad668bd848528c18c3b1af5c06b499651" },
        { "windows-1256", "161bdb381f16408e8bebcc8f5310c4190af0e359de8d9bbaa3628ce2f0875509" },
        { "windows-1257", "cc7256bdd10a5b8dc7fb6f994659f307dfcae60def9aa6c29d811f85e2842c47" },
        { "windows-1258", "198bacedfcf24390e219240a7b776b6cec34cff070330b08a601a69c67f7eb24" },
        { "x-mac-cyrillic", "73e8e7642c6fa9de29d42819b47fba55b58666fb1e339faeb4a89a0bd7c24d43" },
    };

    [Theory]
    [MemberData(nameof(SingleByte))]
    public void Single_byte_encodings_decode_to_the_published_index(string name, string identifier) =>
        Assert.Equal(identifier, Identifier(Enumerable.Range(0x80, 128).Select(b => CodePoint(name, (byte)b))));

    [Fact]
    public void Shift_jis_decodes_to_the_published_index()
    {
        var codes = Enumerable
            .Range(0, 11_280)
            .Select(pointer =>
            {
                var (lead, trail) = Math.DivRem(pointer, 188);
                // Pointers of users' own characters stand for the private use area and not for the index, which has nothing there.
                return pointer is >= 8836 and <= 10_715
                    ? null
                    : CodePoint("shift_jis", (byte)(lead + (lead < 0x1F ? 0x81 : 0xC1)), (byte)(trail + (trail < 0x3F ? 0x40 : 0x41)));
            });
        Assert.Equal("cbaa91f3deb7d0841faf5c33041fc15a285da0e87e64ab802c4bf04b7c4da861", Identifier(codes));
        Assert.Equal((0xE000, 0xE757), (CodePoint("shift_jis", 0xF0, 0x40), CodePoint("shift_jis", 0xF9, 0xFC)));
    }

    [Fact]
    public void Euc_jp_and_iso_2022_jp_decode_to_the_part_of_the_index_that_they_reach()
    {
        for (var pointer = 0; pointer < 94 * 94; pointer++)
        {
            var (lead, trail) = Math.DivRem(pointer, 94);
            var expected = CodePoint(
                "shift_jis",
                (byte)((pointer / 188) + (pointer / 188 < 0x1F ? 0x81 : 0xC1)),
                (byte)((pointer % 188) + (pointer % 188 < 0x3F ? 0x40 : 0x41))
            );
            if (pointer >= 8836)
                expected = null;
            Assert.Equal(expected, CodePoint("euc-jp", (byte)(lead + 0xA1), (byte)(trail + 0xA1)));
            Assert.Equal(expected, CodePoint("iso-2022-jp", 0x1B, 0x24, 0x42, (byte)(lead + 0x21), (byte)(trail + 0x21)));
        }
    }

    [Fact]
    public void Euc_jp_decodes_jis_x_0212_to_the_published_index() =>
        Assert.Equal(
            "83bf90dd1c591a4355730d8c4567efc499d74da7490531019ef22a879991cfb7",
            Identifier(
                Enumerable
                    .Range(0, 94 * 94)
                    .Select(pointer => CodePoint("euc-jp", 0x8F, (byte)((pointer / 94) + 0xA1), (byte)((pointer % 94) + 0xA1)))
            )
        );

    [Fact]
    public void Big5_decodes_to_the_published_index() =>
        Assert.Equal(
            "8dfc771062e7be0810919082c2c06baa2236147909e0ecc235b1cb9ad782ac82",
            Identifier(
                Enumerable
                    .Range(0, 19_782)
                    .Select(pointer =>
                    {
                        var (lead, trail) = Math.DivRem(pointer, 157);
                        // Four pointers stand for two characters, which an index cannot hold.
                        return pointer is 1133 or 1135 or 1164 or 1166
                            ? null
                            : CodePoint("big5", (byte)(lead + 0x81), (byte)(trail + (trail < 0x3F ? 0x40 : 0x62)));
                    })
            )
        );

    [Fact]
    public void Euc_kr_decodes_to_the_published_index() =>
        Assert.Equal(
            "1d97134cbf187263585bc8f593ca4196654ed4c7a673f5672eaad4f5d9fdc4ba",
            Identifier(
                Enumerable
                    .Range(0, 23_940)
                    .Select(pointer => CodePoint("euc-kr", (byte)((pointer / 190) + 0x81), (byte)((pointer % 190) + 0x41)))
            )
        );

    [Fact]
    public void Gb18030_decodes_to_the_published_index() => Assert.Equal(
        "ff1c9a923b5d24f9761b3a2de2c0f07b395f9f6f36519508944de4f0415be81c",
        Identifier(Enumerable.Range(0, 23_940).Select(pointer =>
            CodePoint("gb18030", (byte)((pointer / 190) + 0x81), (byte)((pointer % 190) + (pointer % 190 < 0x3F ? 0x40 : 0x41))))));

    [Fact]
    public void Gb18030_decodes_four_bytes_to_the_published_ranges()
    {
        // The list is got back from what all four-byte codes decode to: a range begins wherever a code point does not follow the one
        // before.
        var ranges = new List<string>();
        var before = -2;
        for (var pointer = 0; pointer <= 1_237_575; pointer++)
        {
            byte[] bytes =
            [
                (byte)(0x81 + (pointer / 12_600)),
                (byte)(0x30 + (pointer / 1260 % 10)),
                (byte)(0x81 + (pointer / 10 % 126)),
                (byte)(0x30 + (pointer % 10)),
            ];
            var code = CodePoint("gb18030", bytes) ?? (before == 0xFFFC ? 0xFFFD : -1);
            if (pointer is > 39_419 and < 189_000) Assert.Equal(-1, code);
            else if (pointer == 7457) Assert.Equal(0xE7C7, code);        // an exception of the algorithm, inside a range
            else
            {
                if (pointer == 7458) before++;
                if (code != before + 1 || pointer == 189_000) ranges.Add($"[{pointer}, {code}]");
                before = code;
            }
        }
        Assert.Equal((0x10FFFF, "f963aaa1653f630c523e7b04729fb4e4458f35806c45eb5c179445623138f0c0"), (before, Hash(ranges)));
    }

    /// <returns>Null when the bytes mean nothing.</returns>
    private static int? CodePoint(string label, params byte[] bytes)
    {
        var text = Charsets.Find(label)!.Decode(bytes);
        return text.Contains('\uFFFD', StringComparison.Ordinal) ? null : char.ConvertToUtf32(text, 0);
    }

    private static string Identifier(IEnumerable<int?> codes) => Hash(codes.Select(code => code is { } known ? $"{known}" : "None"));

    private static string Hash(IEnumerable<string> values) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"[{string.Join(", ", values)}]")));
}
