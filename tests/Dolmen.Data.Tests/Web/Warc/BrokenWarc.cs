using Dolmen.Artifacts;
using System.Text;
using Dolmen.Data.Sources;

namespace Dolmen.Tests.Web.Warc;

/// <summary>A broken record is left out, counted with its place, and costs no other.</summary>
public class BrokenWarc
{
    public static TheoryData<Stored> Ways => [Stored.Plain, Stored.GzipPerRecord, Stored.GzipWhole, Stored.ZstdPerRecord, Stored.ZstdWhole];

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_length_too_short_breaks_one_record(Stored stored) =>
        Assert.Equal(
            ("menhir dolmen", "warc-length-wrong:1"),
            WarcFile.Summary(new WarcFile().Pages("menhir").Response("cairn", length: 20).Pages("dolmen").Bytes(stored))
        );

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_length_too_long_takes_no_other_record_with_it(Stored stored) =>
        Assert.Equal(
            ("menhir dolmen henge", "warc-length-wrong:1"),
            WarcFile.Summary(new WarcFile().Pages("menhir").Response("cairn", length: 700).Pages("dolmen", "henge").Bytes(stored))
        );

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_length_beyond_every_bound_takes_no_other_record_with_it(Stored stored) =>
        Assert.Equal(
            ("menhir dolmen henge", "warc-length-wrong:1"),
            WarcFile.Summary(
                new WarcFile().Pages("menhir").Response("cairn", length: long.MaxValue / 2).Pages("dolmen", "henge").Bytes(stored)
            )
        );

    [Theory]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData("ten")]
    [InlineData("99999999999999999999999")]
    public void A_length_that_is_none_breaks_one_record(string length)
    {
        var record = Encoding.ASCII.GetBytes(
            $"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {length}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<p>\r\n\r\n"
        );
        Assert.Equal(
            ("menhir dolmen", "warc-no-length:1"),
            WarcFile.Summary(new WarcFile().Pages("menhir").Raw(record).Pages("dolmen").Bytes())
        );
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Bytes_between_records_are_passed_over(Stored stored) =>
        Assert.Equal(
            ("menhir dolmen", "warc-no-header:1"),
            WarcFile.Summary(
                new WarcFile().Pages("menhir").Raw("some WARC/ noise\nof an editor\r\n"u8.ToArray()).Pages("dolmen").Bytes(stored)
            )
        );

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_header_without_end_is_passed_over(Stored stored)
    {
        var record = Encoding.ASCII.GetBytes(
            $"WARC/1.0\r\n{string.Concat(Enumerable.Range(0, 9000).Select(i => $"X-{i}: {i:D10}\r\n"))}\r\n"
        );
        Assert.Equal(
            ("menhir dolmen", "warc-header-too-long:1"),
            WarcFile.Summary(new WarcFile().Pages("menhir").Raw(record).Pages("dolmen").Bytes(stored))
        );
    }

    [Theory]
    [InlineData(Stored.Plain, "warc-truncated:1")]
    [InlineData(Stored.GzipPerRecord, "gzip-truncated:1")]
    [InlineData(Stored.GzipWhole, "gzip-truncated:1")]
    [InlineData(Stored.ZstdPerRecord, "zstd-truncated:1")]
    public void A_truncated_end_costs_the_last_record(Stored stored, string dropped) =>
        Assert.Equal(("menhir cairn", dropped), WarcFile.Summary(new WarcFile().Pages("menhir", "cairn", "dolmen").Bytes(stored)[..^12]));

    [Fact]
    public void A_gzip_member_without_its_trailer_is_truncated()
    {
        var bytes = new WarcFile().Pages("menhir", "cairn").Bytes(Stored.GzipPerRecord);
        for (var missing = 1; missing < 8; missing++) Assert.Equal(("menhir", "gzip-truncated:1"), WarcFile.Summary(bytes[..^missing]));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(-3)]
    [InlineData(-8)]
    public void A_damaged_gzip_member_costs_its_record(int place)
    {
        var file = new WarcFile().Pages("menhir", "cairn", "dolmen");
        var members = file.Records.Select(WarcFile.Gzip).ToList();
        members[1][place < 0 ? members[1].Length + place : place] ^= 0x55;
        var (pages, dropped) = WarcFile.Summary([.. members.SelectMany(m => m)]);
        Assert.Equal(("menhir dolmen", "gzip-corrupt:1"), (pages, dropped));
    }

    [Fact]
    public void A_damaged_zstandard_frame_costs_its_record()
    {
        var members = new WarcFile().Pages("menhir", "cairn", "dolmen").Records.Select(r => WarcFile.Zstd(r)).ToList();
        members[1][8] ^= 0xFF;
        members[1][20] ^= 0xFF;
        Assert.Equal(("menhir dolmen", "zstd-corrupt:1"), WarcFile.Summary([.. members.SelectMany(m => m)]));
    }

    [Theory]
    [InlineData(Stored.GzipPerRecord)]
    [InlineData(Stored.ZstdPerRecord)]
    public void Bytes_between_compressed_records_are_passed_over(Stored stored)
    {
        var (first, second) = (new WarcFile().Pages("menhir").Bytes(stored), new WarcFile().Pages("dolmen").Bytes(stored));
        Assert.Equal(("menhir dolmen", "garbage-between-members:1"), WarcFile.Summary([.. first, .. "not compressed"u8, .. second]));
        Assert.Equal(("menhir", "garbage-between-members:1"), WarcFile.Summary([.. first, .. "not compressed"u8]));
        if (stored == Stored.GzipPerRecord)
            Assert.Equal(("menhir dolmen", ""), WarcFile.Summary([.. first, .. new byte[512], .. second, .. new byte[1024]]));
    }

    [Fact]
    public void The_place_and_reason_of_a_broken_record_are_told()
    {
        var file = new WarcFile().Pages("menhir").Response("cairn", length: 20).Pages("dolmen");
        var broken = Assert.Single(WarcFile.Read(file.Bytes()).Funnel.Broken);
        Assert.Equal(new BrokenRecord("crawl.warc", file.Records[0].Length, "warc-length-wrong"), broken);
        Assert.Equal(
            WarcFile.Gzip(file.Records[0]).Length,
            Assert.Single(WarcFile.Read(file.Bytes(Stored.GzipPerRecord)).Funnel.Broken).Offset
        );
    }

    [Fact]
    public void A_bomb_is_left_alone()
    {
        var bomb = new WarcFile().Response("bomb", body: new byte[20 << 20]);
        var file = new WarcFile().Pages("menhir").Raw(bomb.Records[0]).Pages("dolmen");
        Assert.Equal(("menhir dolmen", "record-bomb:1"), WarcFile.Summary(file.Bytes(Stored.GzipPerRecord)));
        Assert.Equal(("menhir dolmen", "record-bomb:1"), WarcFile.Summary(file.Bytes(Stored.GzipWhole)));
        Assert.Equal(("menhir bomb dolmen", ""), WarcFile.Summary(file.Bytes(Stored.GzipPerRecord), new ReadLimits(MaxRatio: 2000)));
        Assert.Equal(("menhir dolmen", "record-too-big:1"), WarcFile.Summary(file.Bytes(), new ReadLimits(MaxRecordBytes: 1 << 20)));
    }

    [Fact]
    public void Reading_a_header_that_is_no_http_breaks_one_record() =>
        Assert.Equal(("dolmen", "http-header-broken:2"), WarcFile.Summary(new WarcFile()
            .Record("response", "https://stones.example/a", "application/http", "200 OK\r\n\r\n<p>"u8.ToArray())
            .Record("response", "https://stones.example/b", "application/http", "HTTP/1.1 fine\r\n\r\n<p>"u8.ToArray())
            .Pages("dolmen").Bytes()));

    [Fact]
    public void Files_of_nothing_or_noise_hold_nothing()
    {
        Assert.Equal(("", ""), WarcFile.Summary([]));
        Assert.Equal(("", "warc-no-header:1"), WarcFile.Summary([1, 2, 3]));
        Assert.Equal("", WarcFile.Summary([0x1F, 0x8B, 8]).Pages);
        Assert.Equal("", WarcFile.Summary([0x28, 0xB5, 0x2F, 0xFD]).Pages);
    }
}
