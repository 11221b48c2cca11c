using System.Text;
using CsCheck;

namespace Dolmen.Tests.Web.Warc;

/// <summary>Damage to one record costs no other.</summary>
public class MutatedWarc
{
    internal static readonly byte[][] Files = MakeFiles();
    private static readonly int Whole = WarcFile.Read(Files[0]).Records.Count;

    [Fact]
    public void Damage_to_one_compressed_record_costs_no_other()
    {
        var records = Pages().Records;
        Gen.Select(Gen.Int[0, records.Count - 1], Gen.Int[0, 1 << 16], Gen.Byte[1, 255], Gen.Bool)
            .Sample(
                (which, place, mask, zstd) =>
                {
                    var members = records.Select(r => zstd ? WarcFile.Zstd(r) : WarcFile.Gzip(r)).ToList();
                    var member = members[which];
                    // A change in a frame without checksum may make other words of it: only its mark cannot change unnoticed.
                    var at = zstd ? place % 4 : place % member.Length;
                    member[at] ^= mask;
                    var kept = WarcFile
                        .Read([.. members.SelectMany(m => m)], zstd ? "crawl.warc.zst" : "crawl.warc.gz")
                        .Records.Select(r => r.Id)
                        .ToHashSet(StringComparer.Ordinal);
                    var whole = WarcFile.Read([.. records.SelectMany(r => r)]).Records.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
                    whole.ExceptWith(kept);
                    Assert.True(whole.Count <= 1, $"lost {string.Join(' ', whole)} by a change of record {which} at {at}");
                },
                iter: 60,
                threads: 1
            );
    }

    [Fact]
    public void Damage_to_one_stored_record_costs_no_other()
    {
        Assert.Equal(12, Whole);
        var records = Pages().Records;
        Gen.Select(Gen.Int[1, records.Count - 2], Gen.Int[0, 1 << 16], Gen.Byte[1, 255])
            .Sample(
                (which, place, mask) =>
                {
                    var parts = records.Select(r => r.ToArray()).ToList();
                    parts[which][place % (parts[which].Length - 4)] ^= mask;
                    var kept = WarcFile.Read([.. parts.SelectMany(m => m)]).Records.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
                    var lost = records.Select((_, i) => $"<urn:uuid:{i:D4}>").Where((id, i) => i != which && !kept.Contains(id)).ToList();
                    Assert.True(
                        lost.Count == 0,
                        $"lost {string.Join(' ', lost)} by a change of record {which} at {place % (parts[which].Length - 4)} to {mask}"
                    );
                },
                iter: 300,
                threads: 1
            );
    }

    private static WarcFile Pages()
    {
        var file = new WarcFile();
        for (var i = 0; i < 12; i++)
            file.Response($"page-{i}", body: Encoding.UTF8.GetBytes(WarcFile.Page(string.Join(' ', Enumerable.Range(i * 7, 30 + i * 9)))));
        return file;
    }

    private static byte[][] MakeFiles()
    {
        var all = Pages();
        var mixed = new WarcFile()
            .Record("warcinfo", "", "application/warc-fields", "software: test\r\nisPartOf: TEST\r\n"u8.ToArray())
            .Response(
                "chunked",
                "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n",
                "10\r\n<html><p>stones \r\n5\r\nstand\r\n0\r\n\r\n"u8.ToArray()
            )
            .Response(
                "zipped",
                "Content-Type: text/html; charset=euc-kr\r\nContent-Encoding: gzip\r\n",
                WarcFile.Gzip([.. Enumerable.Range(0, 900).Select(i => (byte)(0xB0 + i % 40))])
            )
            .Response(
                "zstd",
                "Content-Type: text/plain\r\nContent-Encoding: zstd\r\n",
                WarcFile.Zstd([.. Enumerable.Range(0, 900).Select(i => (byte)i)])
            )
            .Record("conversion", "https://stones.example/wet", "text/plain", "A text of words.\n\nAnd more."u8.ToArray())
            .Pages("menhir");
        var arc =
            ("filedesc://a 0.0.0.0 20040813120000 text/plain 8\n1 0 Arch\n\nhttp://stones.example/ 127.0.0.1 20040813120001 text/html "u8
                + "44\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<\n"u8).ToArray();
        return
        [
            all.Bytes(),
            all.Bytes(Stored.GzipPerRecord),
            all.Bytes(Stored.GzipWhole),
            all.Bytes(Stored.ZstdPerRecord),
            mixed.Bytes(),
            mixed.Bytes(Stored.GzipPerRecord),
            mixed.Bytes(Stored.GzipCutAnywhere),
            mixed.Bytes(Stored.ZstdWithDictionary),
            arc,
            WarcFile.Gzip(arc),
        ];
    }
}
