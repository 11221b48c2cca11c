using System.Buffers.Binary;
using System.IO.Compression;

namespace Dolmen.Artifacts.Compression;

/// <summary>Gzip members (RFC 1952), each checked against its trailer. The runtime's own gzip stream hides where a member ends and
/// takes a truncated one for whole; here it only inflates. It takes its input in pieces and never says how much of the last one it
/// used, but the trailer, whose eight bytes are known once a member is out, can only lie in or right behind that piece.</summary>
internal sealed class GzipMembers(StoredFile file) : StoredMembers(file)
{
    private const int TrailerBytes = 8;
    private const int MaxHeaderBytes = 1 << 14;

    private DeflateStream? _inflate;
    private uint _crc;
    private uint _size;

    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes is [0x1F, 0x8B, 8, ..];

    public override bool Next()
    {
        var broken = Leave();
        while (true)
        {
            var ahead = File.Ahead(MaxHeaderBytes);
            if (ahead.Length == 0) return Close();
            if (!Begins(ahead))
            {
                var padding = ahead.IndexOfAnyExcept((byte)0);
                if (padding != 0)
                {
                    File.Skip(padding < 0 ? ahead.Length : padding);     // zeros fill up a block of tape or disk
                    continue;
                }
                // Behind a broken member its own rest says nothing new.
                SkippedGarbage |= !broken;
                broken = true;
                if (!File.Find([0x1F, 0x8B, 8])) return Close();
                continue;
            }
            var header = HeaderLength(ahead);
            var at = File.Here;
            if (header > 0 && (!broken || IsMember(at, header)))
            {
                Start(at, header);
                return true;
            }
            SkippedGarbage |= !broken;
            broken = true;
            File.MoveTo(at + 1);
        }
    }

    public override int Read(Span<byte> into)
    {
        if (Ended || _inflate is null) return 0;
        int count;
        try
        {
            count = _inflate.Read(into);
        }
        catch (InvalidDataException)
        {
            return End("gzip-corrupt");
        }
        if (count == 0 && into.Length > 0) return End(File.RanDry ? "gzip-truncated" : FindTrailer());
        _crc = Crc32.Append(_crc, into[..count]);
        _size += (uint)count;
        return count;
    }

    private int End(string? flaw)
    {
        Flaw = flaw;
        Ended = true;
        return 0;
    }

    private bool Close()
    {
        (Ended, Flaw) = (true, null);
        return false;
    }

    private void Start(long at, int header)
    {
        File.MoveTo(at);
        File.Ahead(header);
        File.Skip(header);
        File.RanDry = false;
        _inflate?.Dispose();
        _inflate = new DeflateStream(File, CompressionMode.Decompress, leaveOpen: true);
        (Offset, Flaw, Ended, _crc, _size) = (at, null, false, 0, 0);
    }

    /// <summary>Inflates the first bytes of what may be a member: three bytes of magic turn up by chance in compressed data.</summary>
    private bool IsMember(long at, int header)
    {
        Start(at, header);
        Span<byte> first = stackalloc byte[16];
        try
        {
            var count = _inflate!.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
            return LooksLikeText(first[..count]);
        }
        catch (InvalidDataException)
        {
            return false;
        }
        finally
        {
            File.MoveTo(at);
        }
    }

    /// <returns>What is wrong with the member; null when its trailer is there.</returns>
    private string? FindTrailer()
    {
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], _size);
        var end = File.Here;
        var piece = File.LastPiece;
        File.MoveTo(piece);
        var length = (int)(end - piece);
        var ahead = File.Ahead(length + TrailerBytes + 3);
        var places = ahead[..Math.Min(ahead.Length, length + TrailerBytes)];
        var found = -1;
        // The trailer of an empty member is zeros, which deflate may end in too: the place with a member or nothing behind it is right.
        for (var from = 0; places[from..].IndexOf(trailer) is >= 0 and var at; from = found + 1)
        {
            found = from + at;
            var behind = ahead[(found + TrailerBytes)..];
            if (behind.Length == 0 || Begins(behind)) break;
        }
        if (found < 0)
        {
            File.MoveTo(end);
            for (var part = TrailerBytes - 1; part > 0 && ahead.Length == places.Length; part--)
                if (places.EndsWith(trailer[..part])) return "gzip-truncated";
            return "gzip-corrupt";
        }
        File.Skip(found + TrailerBytes);
        return null;
    }

    /// <returns>0 when it is not a header, or longer than any sane one.</returns>
    private static int HeaderLength(ReadOnlySpan<byte> bytes)
    {
        const int CheckFlag = 2, ExtraFlag = 4, NameFlag = 8, CommentFlag = 16, ReservedFlags = 0xE0;
        if (bytes.Length < 10 || (bytes[3] & ReservedFlags) != 0) return 0;
        var flags = bytes[3];
        var at = 10;
        if ((flags & ExtraFlag) != 0)
        {
            if (bytes.Length < at + 2) return 0;
            at += 2 + BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
        }
        for (var text = NameFlag; text <= CommentFlag; text <<= 1)
        {
            if ((flags & text) == 0) continue;
            if (at > bytes.Length || bytes[at..].IndexOf((byte)0) is not (>= 0 and var length)) return 0;
            at += length + 1;
        }
        if ((flags & CheckFlag) != 0) at += 2;
        return at < bytes.Length ? at : 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _inflate?.Dispose();
        base.Dispose(disposing);
    }
}
