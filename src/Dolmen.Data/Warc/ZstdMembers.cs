using System.Buffers;
using System.Buffers.Binary;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Dolmen.Data.Warc;

/// <summary>Zstandard frames (RFC 8878), which tell where they end. A skippable frame at the start may hold the dictionary of all others,
/// itself compressed or not (the WARC community's "Use of Zstandard with WARC").</summary>
internal sealed class ZstdMembers(StoredFile file) : StoredMembers(file)
{
    private const uint Magic = 0xFD2FB528, DictionaryMagic = 0x184D2A5D, SkippableMagic = 0x184D2A50;
    private const int MaxDictionaryBytes = 16 << 20;
    private const int MaxWindowLog = 27;                                 // 128 MB, what zstd itself grants without --long

    private readonly Decompressor _frames = Decompressor();
    private bool _dictionaryAllowed = true;

    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(bytes) is var magic && (magic == Magic || IsSkippable(magic));

    public override bool Next()
    {
        if (!Ended)
        {
            Span<byte> rest = stackalloc byte[1 << 12];
            while (Read(rest) > 0)
            {
            }
        }
        SkippedGarbage = false;
        var broken = Flaw is not null;
        if (broken) File.MoveTo(Offset + 1);
        while (true)
        {
            var ahead = File.Ahead(8);
            if (ahead.Length == 0)
            {
                (Ended, Flaw) = (true, null);
                return false;
            }
            var magic = ahead.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(ahead) : 0;
            if (!broken && ahead.Length == 8 && IsSkippable(magic))
            {
                SkipFrame(magic == DictionaryMagic, BinaryPrimitives.ReadUInt32LittleEndian(ahead[4..]));
                continue;
            }
            if (magic == Magic)
            {
                var at = File.Here;
                if (!broken || IsFrame(at))
                {
                    Start(at);
                    return true;
                }
                File.MoveTo(at + 1);
            }
            // Behind a broken frame its own rest is no news.
            SkippedGarbage |= !broken;
            broken = true;
            File.Find([0x28, 0xB5, 0x2F, 0xFD]);
        }
    }

    public override int Read(Span<byte> into)
    {
        while (!Ended && into.Length > 0)
        {
            var ahead = File.Ahead(1);
            var status = _frames.UnwrapStream(ahead, into, out var taken, out var made);
            File.Skip(taken);
            if (status == OperationStatus.Done) Ended = true;
            else if (status == OperationStatus.InvalidData) return End("zstd-corrupt");
            else if (made == 0 && taken == 0) return End(ahead.Length == 0 ? "zstd-truncated" : "zstd-corrupt");
            if (made > 0) return made;
        }
        return 0;
    }

    private int End(string flaw)
    {
        (Flaw, Ended) = (flaw, true);
        return 0;
    }

    private void Start(long at)
    {
        File.MoveTo(at);
        _frames.ResetStream();
        (Offset, Flaw, Ended) = (at, null, false);
        _dictionaryAllowed = false;
    }

    private bool IsFrame(long at)
    {
        Start(at);
        Span<byte> first = stackalloc byte[16];
        var have = 0;
        while (have < first.Length && Read(first[have..]) is > 0 and var count) have += count;
        return LooksLikeText(first[..have]);
    }

    private void SkipFrame(bool isDictionary, uint length)
    {
        var at = File.Here;
        File.Skip(8);
        if (isDictionary && _dictionaryAllowed && length <= MaxDictionaryBytes)
        {
            var dictionary = new byte[length];
            File.ReadAtLeast(dictionary, dictionary.Length, throwOnEndOfStream: false);
            if (Begins(dictionary)) dictionary = Unfold(dictionary);
            if (dictionary.Length > 0) _frames.LoadDictionary(dictionary);
        }
        _dictionaryAllowed = false;
        File.MoveTo(Math.Min(at + 8 + length, File.Length));
    }

    private static byte[] Unfold(byte[] dictionary)
    {
        using var decompressor = Decompressor();
        var unfolded = new ArrayBufferWriter<byte>();
        var from = dictionary.AsSpan();
        while (unfolded.WrittenCount < MaxDictionaryBytes)
        {
            var status = decompressor.UnwrapStream(from, unfolded.GetSpan(1 << 16), out var taken, out var made);
            unfolded.Advance(made);
            from = from[taken..];
            if (status is OperationStatus.Done) return unfolded.WrittenSpan.ToArray();
            if (status is OperationStatus.InvalidData || (made == 0 && taken == 0)) break;
        }
        return [];
    }

    private static bool IsSkippable(uint magic) => (magic & ~0xFu) == SkippableMagic;

    private static Decompressor Decompressor()
    {
        var decompressor = new Decompressor();
        decompressor.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
        return decompressor;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _frames.Dispose();
        base.Dispose(disposing);
    }
}
